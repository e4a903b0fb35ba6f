import { aRequest, ask, initialize, jsonOf } from '@mcp-router/testkit/client'
import { openGateway, openTwo } from '@mcp-router/testkit/router'
import { expect, it } from 'vitest'

/** A session whose owner stood still until another instance had taken it over, and heard nothing of that. */
const open = async () => {
  const { backends, store, b } = await openTwo()
  let since: number | undefined = 0
  const instance = 'router-instance-3'
  const away = await openGateway({ backends, store, instance, leaseHeldSince: () => since })
  const { headers, session } = await initialize(`${away.url}/mcp/local`)
  const pidAt = async ({ url }: { readonly url: string }, id: number) => {
    const told = await ask(`${url}/mcp/local`, { headers, body: aRequest(id, 'echo') })
    expect(told.status).toBe(200)
    return (jsonOf(told) as { readonly result: { readonly pid: number } }).result.pid
  }
  const first = await pidAt(away, 1)
  await store.membership.leave(instance as never)
  const second = await pidAt(b, 2)
  expect(second).not.toBe(first)
  expect(await store.sessions.find(session as never)).toMatchObject({ epoch: 2 })
  return { away, pidAt, second, holdLeaseSince: (at: number | undefined) => (since = at) }
}

it.each([
  ['while its lease has lapsed', () => undefined],
  ['once it has renewed its lease', () => performance.now()],
])('an owner that stood still asks whose a session is %s', async (_, since) => {
  const { away, pidAt, second, holdLeaseSince } = await open()
  holdLeaseSince(since())
  expect(await pidAt(away, 3)).toBe(second)
})
