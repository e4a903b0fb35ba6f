import { until } from '@mcp-router/testkit/wait'
import { expect, it } from 'vitest'
import { oddStdioEntry } from '../harness/backends.js'
import { converse } from '../harness/conversation.js'
import { killProcess } from '../harness/owner.js'
import { textOf, toolCall } from '../harness/rpc.js'
import { useCluster } from '../harness/use-cluster.js'

// Round robin: most messages come to the owner from another instance.
const cluster = useCluster({ servers: { odd: oddStdioEntry } })

it('a child that is killed between two calls is replaced for the second', async () => {
  const client = await converse('http', { base: cluster().gateway, backend: 'odd' })
  const pid = Number(textOf(await client.ask(toolCall(1, 'pid'))))
  await killProcess(pid)
  // What is written to a child that has just died may have arrived: such a call is told as lost.
  await until('the router to notice', () => cluster().logs().includes('ended by SIGKILL'))
  expect(Number(textOf(await client.ask(toolCall(2, 'pid'))))).not.toBe(pid)
  await client.close()
})

it('a child that is killed again and again is told as such, and comes back', async () => {
  const client = await converse('http', { base: cluster().gateway, backend: 'odd' })
  const refusals: number[] = []
  /** The pid, asked until there is one. */
  const pid = async (): Promise<number> =>
    until('a child', async () => {
      const answer = await client.send(toolCall(1, 'pid'))
      if (answer.status === 200) return Number(textOf(answer.messages()[0] ?? ''))
      expect(answer.json()).toMatchObject({
        id: 1,
        error: { code: -31503, message: expect.stringMatching(/it ended again and again/) },
      })
      expect(Number(answer.headers['retry-after'])).toBeGreaterThan(0)
      refusals.push(answer.status)
      return undefined
    })
  const pids = new Set<number>()
  for (let death = 1; death <= 5; death++) {
    const child = await pid()
    pids.add(child)
    await killProcess(child)
  }
  pids.add(await pid())
  expect(pids.size).toBe(6)
  expect(new Set(refusals)).toEqual(new Set([503]))
  for (let id = 2; id < 8; id++) await client.ask(toolCall(id, 'echo', { text: 'well' }))
  await client.close()
})
