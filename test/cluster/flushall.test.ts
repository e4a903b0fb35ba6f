import { afterAll, beforeAll, expect, it } from 'vitest'
import { openFixtureServers } from '../conformance/servers.js'
import type { FixtureServers } from '../conformance/servers.js'
import { oddStdioEntry } from '../harness/backends.js'
import { converse } from '../harness/conversation.js'
import type { Conversation } from '../harness/conversation.js'
import { post } from '../harness/http.js'
import { epochOf, killMember, memberAt, membersAreBack } from '../harness/owner.js'
import { textOf, toolCall } from '../harness/rpc.js'
import { until } from '../harness/until.js'
import { useCluster } from '../harness/use-cluster.js'
import { startLoad } from './steady-load.js'

let servers: FixtureServers | undefined
beforeAll(async () => {
  servers = await openFixtureServers()
})
afterAll(() => servers?.close())

const cluster = useCluster(() => ({ servers: { ...servers!.entries, odd: oddStdioEntry } }))

/** pidAt asks the process of a session for its number, through one instance. */
const pidAt = async (at: number, { headers }: Conversation): Promise<string> => {
  const answer = await post(`${cluster().instances[at]}/mcp/odd`, toolCall(at, 'pid'), headers)
  return textOf(answer.messages()[0] ?? answer.text)
}

const backendSession = async (at: number, { headers }: Conversation): Promise<number> => {
  const url = `${cluster().instances[at]}/mcp/http-stateful`
  return (await post(url, toolCall(at, 'test_simple_text'), headers)).status
}

it('FLUSHALL under load costs nobody a call or a session, whichever instance the next message comes to', async () => {
  const { gateway, instances, redis } = cluster()
  const load = await startLoad(gateway)
  await load.goOn(5)
  for (let time = 1; time <= 2; time++) {
    // Known to the first instance alone.
    const owned = await converse('http', { base: instances[0], backend: 'odd' })
    const child = await pidAt(0, owned)
    const portable = await converse('http', { base: instances[0], backend: 'http-stateful' })
    await redis.flushall()
    const elsewhere = await Promise.all([
      ...[1, 2].map((at) => pidAt(at, owned)),
      ...[1, 2].map((at) => backendSession(at, portable)),
    ])
    expect(elsewhere).toEqual([child, child, 200, 200])
    await load.goOn(10)
    expect(load.failures()).toEqual([])
    expect(await epochOf(cluster(), owned.session)).toBe(1)
    await owned.close()
    await portable.close()
  }
  for (const { id } of load.sessions)
    await until('its record', async () => (await epochOf(cluster(), id)) !== undefined)
  await load.stop()
})

it('an owner that is killed right after FLUSHALL is succeeded all the same', async () => {
  const { instances, redis } = cluster()
  const owned = await converse('http', { base: instances[0], backend: 'odd' })
  const child = await pidAt(0, owned)
  expect(await pidAt(1, owned)).toBe(child)
  await redis.flushall()
  await killMember(memberAt(cluster(), 0))
  const next = await pidAt(1, owned)
  expect(next).not.toBe(child)
  expect(await pidAt(2, owned)).toBe(next)
  await cluster().restart()
  await membersAreBack(cluster())
  expect(await pidAt(0, owned)).toBe(next)
  await owned.close()
})
