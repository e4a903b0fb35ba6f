import { treeOf } from '@mcp-router/testkit/process'
import { until } from '@mcp-router/testkit/wait'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { openFixtureServers } from '../conformance/servers.js'
import type { FixtureServers } from '../conformance/servers.js'
import { oddStdioEntry } from '../harness/backends.js'
import { converse } from '../harness/conversation.js'
import type { Conversation } from '../harness/conversation.js'
import { post } from '../harness/http.js'
import { epochOf, killMember, memberAt, membersAreBack } from '../harness/owner.js'
import type { Member } from '../harness/owner.js'
import { expectRefusal } from '../harness/refusal.js'
import { request, textOf, toolCall } from '../harness/rpc.js'
import { connectThrough } from '../harness/sdk/connect.js'
import { useCluster } from '../harness/use-cluster.js'
import { openLedger } from './ledger-server.js'
import { startLoad } from './steady-load.js'

const ledger = openLedger()
let servers: FixtureServers | undefined
beforeAll(async () => {
  servers = await openFixtureServers()
})
afterAll(async () => {
  ledger.close()
  await servers?.close()
})

const cluster = useCluster(() => ({
  servers: { ...servers!.entries, odd: oddStdioEntry, ledger: ledger.entry },
}))

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

describe('a call under way at an instance that is killed after FLUSHALL', () => {
  afterEach(async () => {
    for (const name of ['read', 'append']) ledger.release(name)
    await cluster().restart()
    await membersAreBack(cluster())
  })

  /** The instance that runs the last call of this name. */
  const running = async (name: string, before: number): Promise<Member> => {
    const run = await until(`${name} to run`, () => ledger.runs(name)[before])
    const members = [0, 1, 2].map((at) => memberAt(cluster(), at))
    const member = members.find(({ pid }) => treeOf([pid]).some((each) => each.pid === run.pid))
    if (!member) throw new Error(`no instance runs ${run.pid}`)
    return member
  }

  it('is repeated, or told as unknown, on the stream of a client of 2024-11-05', async () => {
    const { redis } = cluster()
    const client = await connectThrough('v1 sse', cluster().gateway, 'ledger')
    await client.listTools()
    const [reads, appends] = [ledger.runs('read').length, ledger.runs('append').length]
    for (const name of ['read', 'append']) ledger.hold(name)
    const read = client.callTool({ name: 'read', arguments: {} })
    const append = client.callTool({ name: 'append', arguments: {} })
    append.catch(() => undefined)
    await running('append', appends)
    const owner = await running('read', reads)
    await redis.flushall()
    // Within one period the owner writes again what it remembers; what it was killed before it did so, nobody knows.
    await until('its calls to be there', async () => {
      const [calls = ''] = await redis.keys('{mcp:sessions:*}:calls')
      return (await redis.hlen(calls)) === 2
    })
    await killMember(owner)
    ledger.release('read')
    await read
    await expect(append).rejects.toThrow(/the instance stopped before responding/)
    expect(ledger.runs('append')).toHaveLength(appends + 1)
    await client.close()
  })

  it('does not run twice where it must not, though its note is lost', async () => {
    const { gateway, redis } = cluster()
    const url = `${gateway}/mcp/router/route/ledger`
    await post(url, request(1, 'tools/list'))
    const before = ledger.runs('append').length
    ledger.hold('append')
    const answer = post(url, toolCall(1, 'append'))
    const member = await running('append', before)
    await redis.flushall()
    await killMember(member)
    expectRefusal(await answer, { status: 200, code: -31001, says: /it was not retried/, id: 1 })
    expect(ledger.runs('append')).toHaveLength(before + 1)
  })
})
