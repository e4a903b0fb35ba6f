import { isAlive, processAt } from '@mcp-router/testkit/process'
import { until } from '@mcp-router/testkit/wait'
import { afterAll, afterEach, describe, expect, it } from 'vitest'
import { converse } from '../harness/conversation.js'
import type { Conversation } from '../harness/conversation.js'
import { post } from '../harness/http.js'
import { memberAt, membersAreBack, ownerOf } from '../harness/owner.js'
import { textOf, toolCall } from '../harness/rpc.js'
import { serve } from '../harness/serve.js'
import { useCluster } from '../harness/use-cluster.js'
import { openLedger } from './ledger-server.js'

const ledger = openLedger()
afterAll(() => ledger.close())
const cluster = useCluster({ servers: { ledger: ledger.entry }, env: { MCP_DRAIN_MS: '20000' } })

afterEach(async () => {
  ledger.release('append')
  await cluster().restart()
  await membersAreBack(cluster())
})

const at = (n: number, client: Conversation, body: string) =>
  post(`${cluster().instances[n]}/mcp/ledger`, body, client.headers)

/** begin has an `append` of a session of the first instance run, and held, that came through instance n. */
const begin = async (n: number) => {
  const client = await converse('http', { base: cluster().instances[0], backend: 'ledger' })
  expect((await ownerOf(cluster(), client.session)).at).toBe(0)
  const before = ledger.runs('append').length
  ledger.hold('append')
  const answer = at(n, client, toolCall('slow', 'append'))
  answer.catch(() => undefined)
  await until('the call to run', () => ledger.runs('append').length > before)
  return { client, answer, ran: () => ledger.runs('append').length - before }
}

describe('an owner that is told to end while a call runs', () => {
  it.each([
    [0, 'at it'],
    [1, 'at another instance'],
  ])('finishes it (it came in %s: %s), and its session goes on meanwhile', async (n) => {
    const { client, answer, ran } = await begin(n)
    const owner = memberAt(cluster(), 0)
    const leaving = processAt(owner.pid)
    process.kill(owner.pid, 'SIGTERM')
    await until('it to drain', async () => {
      const ready = await fetch(`${owner.url}/ready`).catch(() => undefined)
      return ready?.status !== 200
    })
    for (let round = 0; round < 10; round++)
      for (const other of [1, 2]) {
        const read = await at(other, client, toolCall(round, 'read'))
        expect(read.status, read.text).toBe(200)
        textOf(read.messages()[0] ?? read.text)
      }
    ledger.release('append')
    const { status, text } = await answer
    expect({ status, text }).toMatchObject({ status: 200, text: expect.stringContaining('result') })
    expect(ran()).toBe(1)
    await until('its end', () => leaving && !isAlive(leaving))
    expect((await at(2, client, toolCall('after', 'read'))).status).toBe(200)
  })
})

describe('an instance that is told twice', () => {
  it('ends at once', async () => {
    const { redisUrl, serversFile } = cluster()
    const id = 'router-instance-impatient'
    const served = await serve(['--servers', serversFile, '--instance', id], {
      REDIS_URL: redisUrl,
      MCP_DRAIN_MS: '60000',
      // It does not say goodbye.
      MCP_LEASE_MS: '1000',
    })
    const client = await converse('http', { base: served.url, backend: 'ledger' })
    ledger.hold('append')
    const before = ledger.runs('append').length
    client.send(toolCall('slow', 'append')).catch(() => undefined)
    await until('the call to run', () => ledger.runs('append').length > before)
    served.process.kill('SIGTERM')
    await until('it to drain', () => served.lines().some(({ message }) => message === 'draining'))
    const told = performance.now()
    served.process.kill('SIGTERM')
    expect(await served.process.ended).toBe(1)
    expect(performance.now() - told).toBeLessThan(3_000)
    expect(served.process.output()).toContain('SIGTERM again, ending at once')
  })
})

describe('an instance whose call takes longer than a drain may', () => {
  it('ends when that time is up', async () => {
    const { redisUrl, serversFile } = cluster()
    const served = await serve(['--servers', serversFile, '--instance', 'router-instance-slow'], {
      REDIS_URL: redisUrl,
      MCP_DRAIN_MS: '1500',
    })
    const client = await converse('http', { base: served.url, backend: 'ledger' })
    ledger.hold('append')
    const before = ledger.runs('append').length
    const answer = client.send(toolCall('slow', 'append'))
    answer.catch(() => undefined)
    await until('the call to run', () => ledger.runs('append').length > before)
    const told = performance.now()
    served.process.kill('SIGTERM')
    expect(await served.process.ended).toBe(0)
    expect(performance.now() - told).toBeGreaterThan(1_400)
    expect(performance.now() - told).toBeLessThan(6_000)
  })
})
