import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { until } from '@mcp-router/testkit/wait'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { openFixtureServers } from '../conformance/servers.js'
import type { FixtureServers } from '../conformance/servers.js'
import { oddStdioEntry } from '../harness/backends.js'
import { converse } from '../harness/conversation.js'
import { ask, begin, post } from '../harness/http.js'
import { epochOf, killProcess, memberAt, membersAreBack, ownerOf } from '../harness/owner.js'
import { initialize, textOf, toolCall } from '../harness/rpc.js'
import { useCluster } from '../harness/use-cluster.js'
import { heapProbe, liveHeap } from '../harness/live-heap.js'
import { startLoad } from './steady-load.js'

let servers: FixtureServers | undefined
beforeAll(async () => {
  servers = await openFixtureServers()
})
afterAll(() => servers?.close())

const heaps = mkdtempSync(join(tmpdir(), 'mcp-heaps-'))
afterAll(() => rmSync(heaps, { recursive: true, force: true }))

const leaseMs = 2_000
const cluster = useCluster(() => ({
  servers: { ...servers!.entries, odd: oddStdioEntry },
  env: { MCP_LEASE_MS: String(leaseMs), MCP_TOUCH_MS: '1000', ...heapProbe(heaps) },
}))

const all = [0, 1, 2] as const
let pids: readonly number[]
beforeEach(() => {
  pids = all.map((at) => memberAt(cluster(), at).pid)
})

const killRedis = async (): Promise<number> => {
  await killProcess(cluster().pids().get('redis') ?? 0)
  return Date.now()
}

/** All leases have lapsed by then, and nobody could renew one. */
const outlastLeases = (killedAt: number): Promise<unknown> =>
  until('the leases to lapse', () => Date.now() - killedAt > 2 * leaseMs)

const isReady = (at: number, status: string): Promise<unknown> =>
  until(`${status} at instance ${at}`, async () => {
    const ready = await ask(`${cluster().instances[at]}/ready`)
    return ready.status === 200 && ready.json().status === status && ready
  })

const pidFrom = async (at: number, headers: object): Promise<string> => {
  const answer = await post(`${cluster().instances[at]}/mcp/odd`, toolCall(at, 'pid'), {
    ...headers,
  })
  return textOf(answer.messages()[0] ?? '')
}

/** expectUsable asks for each session at each instance, and finds it where it was. */
const expectUsable = async (
  sessions: readonly { readonly id: string; readonly backend: string }[],
): Promise<void> => {
  for (const { id, backend } of sessions)
    for (const instance of cluster().instances) {
      const url = `${instance}/mcp/${backend}`
      const answer = await post(url, toolCall('after', 'test_simple_text'), {
        'mcp-session-id': id,
      })
      expect(answer.status, `${backend}: ${answer.text}`).toBe(200)
    }
}

const expectWell = (): void => {
  expect(all.map((at) => memberAt(cluster(), at).pid)).toEqual(pids)
  expect(cluster().logs(100_000)).not.toMatch(/unhandled/i)
}

/** logged counts the lines of all instances whose message begins so. */
const logged = (message: string): number =>
  cluster().logs(100_000).split(`"message":"${message}`).length - 1

describe('Redis, killed under load for longer than a lease', () => {
  it('is missed by no live session, no call and no modern request; new sessions are told when to come', async () => {
    const { gateway, instances, redis } = cluster()
    const owned = await converse('http', { base: instances[0], backend: 'odd' })
    const child = await pidFrom(0, owned.headers)
    const load = await startLoad(gateway)
    await load.goOn(6)
    const owners = await Promise.all(load.sessions.map(({ id }) => ownerOf(cluster(), id)))
    const epochs = await Promise.all(load.sessions.map(({ id }) => epochOf(cluster(), id)))
    // Every instance has met it.
    for (const at of all) expect(await pidFrom(at, owned.headers)).toBe(child)
    const held = () => Promise.all(pids.map((pid) => liveHeap(heaps, pid)))
    const before = await held()

    const killedAt = await killRedis()
    for (const at of all)
      expect(await isReady(at, 'degraded')).toMatchObject({
        text: expect.stringMatching(/"reason":"store: [^"]/),
      })
    for (const backend of ['http-stateful', 'odd']) {
      const refused = await post(`${gateway}/mcp/${backend}`, initialize())
      expect([refused.status, refused.headers['retry-after']]).toEqual([503, '2'])
    }
    const stream = await begin(`${gateway}/sse/odd`, { headers: { accept: 'text/event-stream' } })
    stream.resume()
    expect([stream.statusCode, stream.headers['retry-after']]).toEqual([503, '2'])
    await load.goOn(20)
    for (const at of all) expect(await pidFrom(at, owned.headers)).toBe(child)
    await outlastLeases(killedAt)

    await cluster().restart()
    await load.goOn(20)
    for (const at of all) expect(await pidFrom(at, owned.headers)).toBe(child)
    await membersAreBack(cluster())
    for (const at of all) await isReady(at, 'ready')
    await load.goOn(5)
    expect(load.failures()).toEqual([])
    expect(await epochOf(cluster(), owned.session)).toBe(1)
    await expectUsable(load.sessions)
    expect(await Promise.all(load.sessions.map(({ id }) => ownerOf(cluster(), id)))).toEqual(owners)
    expect(await Promise.all(load.sessions.map(({ id }) => epochOf(cluster(), id)))).toEqual(epochs)
    for (const [at, bytes] of (await held()).entries())
      expect(bytes - (before[at] ?? 0)).toBeLessThan(16 * 2 ** 20)
    expect(await load.stop()).toBeGreaterThan(500)
    expect(await redis.exists(`mcp:sessions:${owned.session}`)).toBe(1)
    await owned.close()
    expectWell()
    // One line at each instance when it goes, and one when it is back.
    expect([logged('store.unavailable'), logged('store.available')]).toEqual([3, 3])
    expect(logged('broadcasting: ')).toBeLessThan(12)
  })

  it('gets back all that it had lost, when it comes back with nothing', async () => {
    const { gateway, instances, runDir } = cluster()
    const owned = await converse('http', { base: instances[1], backend: 'odd' })
    const child = await pidFrom(1, owned.headers)
    for (const at of all) await pidFrom(at, owned.headers)
    const load = await startLoad(gateway)
    await load.goOn(6)
    const killedAt = await killRedis()
    rmSync(join(runDir, 'redis'), { recursive: true })
    await outlastLeases(killedAt)
    await cluster().restart()
    await load.goOn(20)
    for (const at of all) expect(await pidFrom(at, owned.headers)).toBe(child)
    await membersAreBack(cluster())
    await until('all records to be back', async () => {
      const epochs = await Promise.all(load.sessions.map(({ id }) => epochOf(cluster(), id)))
      return !epochs.includes(undefined) && (await epochOf(cluster(), owned.session)) === 1
    })
    await expectUsable(load.sessions)
    expect(load.failures()).toEqual([])
    await load.stop()
    await owned.close()
    expectWell()
  })
})
