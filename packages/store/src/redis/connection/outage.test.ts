import type { InstanceId } from '@mcp-router/core'
import { freePorts } from '@mcp-router/testkit/process'
import { onTestFinished } from '@mcp-router/testkit/test'
import { describe, expect, it, vi } from 'vitest'
import { lasting } from '../../open-store.contract.js'
import { aSession } from '../../session-store.contract.js'
import type { Store, StoreChange } from '../../store.js'
import { startCluster, startSentinel, startSingle } from '../deployment.contract.js'
import { startRedis } from '../redis-process.contract.js'
import { redisStore } from '../store.js'

const session = aSession()
const instance = 'router-instance-1' as InstanceId

/** all calls every method once, so that none is forgotten. */
const all = (store: Store): Promise<unknown>[] => [
  store.sessions.create(session),
  store.sessions.restore(session),
  store.sessions.find(session.id),
  store.sessions.update(session.id, 0, { loggingLevel: 'debug' }),
  store.sessions.touch([{ id: session.id, epoch: 0 }], 1),
  store.sessions.claim(session.id, 0, instance),
  store.sessions.delete(session.id),
  store.sessions.list()[Symbol.asyncIterator]().next(),
  store.membership.list(),
  store.membership.find(instance),
  store.membership.leave(instance),
  store.eras.find('a'),
  store.eras.keep('a', 'legacy', 60_000),
  store.eras.forget('a'),
  store.callLog.keep(session.id, 0, { entry: '1', callId: '', body: '{}' }),
  store.callLog.drop(session.id, 0, ['1']),
  store.callLog.entries(session.id),
  store.generation(),
  store.clusterSecret(),
]

/** outcomes is what became of all, each named once. */
const outcomes = async (answers: Promise<unknown>[]): Promise<string[]> => {
  const settled = await Promise.allSettled(answers)
  const names = settled.map((one) => (one.status === 'fulfilled' ? 'done' : one.reason.code))
  return [...new Set<string>(names)]
}

const isBack = async (store: Store) => (await outcomes(all(store))).join() === 'done'

const isAway = async (store: Store) => (await outcomes(all(store))).join() === 'STORE_UNAVAILABLE'

const patience = { timeout: 12_000, interval: 20 }

const opened = <T extends { close(): Promise<void> }>(thing: T): T => {
  onTestFinished(() => thing.close())
  return thing
}

describe('while Redis is away', () => {
  it.each([
    ['one server', () => startSingle('tcp')],
    ['a socket', () => startSingle('socket')],
    ['a Sentinel', () => startSentinel()],
    ['a Cluster', startCluster],
  ])('every method fails fast and recovers by itself: %s', async (_name, start) => {
    const deployment = opened(await start())
    const store = opened(redisStore(deployment.url, lasting))
    expect(await isBack(store)).toBe(true)

    const underWay = outcomes(all(store))
    await Promise.all(deployment.masters.map((master) => master.kill()))
    await underWay
    const killed = performance.now()
    await vi.waitUntil(() => isAway(store), patience)
    expect(performance.now() - killed).toBeLessThan(3_000)
    await vi.waitUntil(() => !store.health().up, patience)
    const asked = performance.now()
    expect(await outcomes(all(store))).toEqual(['STORE_UNAVAILABLE'])
    expect(performance.now() - asked).toBeLessThan(100)

    await Promise.all(deployment.masters.map((master) => master.start()))
    await vi.waitUntil(() => isBack(store), patience)
    expect(store.health()).toEqual({ up: true })
  })

  it.each([
    ['one server', () => startSingle('tcp')],
    ['a Cluster', startCluster],
  ])('silence counts as absence: %s', async (_name, start) => {
    const deployment = opened(await start())
    const store = opened(redisStore(deployment.url, lasting))
    await isBack(store)

    for (const master of deployment.masters) master.pause()
    const asked = performance.now()
    const early = outcomes(all(store))
    await vi.waitUntil(() => performance.now() - asked > 500)
    const late = outcomes(all(store))
    expect(await early).toEqual(['STORE_UNAVAILABLE'])
    expect(performance.now() - asked).toBeLessThan(3_000)
    expect(await late).toEqual(['STORE_UNAVAILABLE'])
    expect(performance.now() - asked).toBeLessThan(3_500)
    await vi.waitUntil(() => !store.health().up, patience)

    for (const master of deployment.masters) master.resume()
    await vi.waitUntil(() => isBack(store), patience)
  })

  it('it is reported once when it goes, and once when it is back', async () => {
    const redis = opened(await startRedis())
    const changes: StoreChange[] = []
    const onChange = (change: StoreChange): void => void changes.push(change)
    const store = opened(redisStore(redis.url, { ...lasting, onChange }))
    await isBack(store)
    await redis.kill()
    await vi.waitUntil(() => !store.health().up, patience)
    await isAway(store)
    await redis.start()
    await vi.waitUntil(() => isBack(store), patience)
    expect(changes).toEqual([
      { up: false, reason: expect.any(String) },
      { up: true, afterMs: expect.any(Number) },
    ])
  })

  it('what is under way when Redis dies fails at once', async () => {
    const redis = opened(await startRedis())
    const store = opened(redisStore(redis.url, lasting))
    await isBack(store)
    redis.pause()
    const underWay = outcomes(all(store))
    await redis.kill()
    const killed = performance.now()
    expect(await underWay).toEqual(['STORE_UNAVAILABLE'])
    expect(performance.now() - killed).toBeLessThan(1_000)
  })

  it('what failed does not happen later', async () => {
    const redis = opened(await startRedis())
    const store = opened(redisStore(redis.url, lasting))
    await isBack(store)
    await redis.kill()
    await vi.waitUntil(() => !store.health().up, patience)
    await expect(store.sessions.create(session)).rejects.toThrow('session store cannot be reached')
    await redis.start()
    await vi.waitUntil(() => store.health().up, patience)
    expect(await store.sessions.find(session.id)).toBeUndefined()
  })

  it('a master that became a replica is left for its successor', async () => {
    const redis = opened(await startRedis())
    const store = opened(redisStore(redis.url, lasting))
    await isBack(store)
    await redis.raw.replicaof('127.0.0.1', await freePorts(1))
    const touches = Array.from({ length: 20 }, () => ({ id: session.id, epoch: 0 }))
    await redis.raw.config('SET', 'replica-read-only', 'yes')
    await expect(store.sessions.create(session)).rejects.toThrow('READONLY')
    expect(store.health()).toMatchObject({ up: false, reason: 'connected to a replica' })
    await expect(store.sessions.touch(touches, 1)).rejects.toMatchObject({
      code: 'STORE_UNAVAILABLE',
    })
    await redis.raw.replicaof('NO', 'ONE')
    await vi.waitUntil(() => isBack(store), patience)
  })

  it('health says since when and why, an answer says neither', async () => {
    const redis = opened(await startRedis())
    const store = opened(redisStore(redis.url, lasting))
    await isBack(store)
    const before = Date.now()
    await redis.kill()
    const isRefused = () => {
      const health = store.health()
      return !health.up && health.reason.includes('ECONNREFUSED') && health
    }
    const health = await vi.waitUntil(isRefused, patience)
    expect(health.since).toBeGreaterThanOrEqual(before)
    expect(health.since).toBeLessThanOrEqual(Date.now())
    const thrown: unknown = await store.sessions.find(session.id).catch((error: unknown) => error)
    expect(String(thrown)).not.toContain(String(redis.port))
  })

  it('a store opened before it waits for it, and no longer than for an answer', async () => {
    const redis = opened(await startRedis())
    await redis.kill()
    const store = opened(redisStore(redis.url, lasting))
    const asked = performance.now()
    const created = store.sessions.create(session)
    await expect(created).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' })
    expect(performance.now() - asked).toBeLessThan(3_000)
    expect(store.health()).toMatchObject({ up: false })

    const waiting = store.membership.list()
    await redis.start()
    expect(await waiting).toEqual([])
    expect(await store.sessions.find(session.id)).toBeUndefined()
  })

  it('closing a store ends at once, and ends the waiting', async () => {
    const store = redisStore(`redis://127.0.0.1:${await freePorts(1)}`, lasting)
    const asked = performance.now()
    const waiting = outcomes(all(store))
    await store.close()
    expect(await waiting).toEqual(['STORE_UNAVAILABLE'])
    expect(performance.now() - asked).toBeLessThan(1_000)
    expect(store.health()).toMatchObject({ up: false, reason: 'closed' })
  })

  it('a password is tried, and its refusal told by health alone', async () => {
    const redis = opened(await startRedis(['user store on >r%ght@/: ~* +@all']))
    const server = `127.0.0.1:${redis.port}`
    const right = opened(redisStore(`redis://store:r%25ght%40%2F%3A@${server}`, lasting))
    expect(await isBack(right)).toBe(true)
    const wrong = opened(redisStore(`redis://store:wrong@${server}`, lasting))
    expect(await outcomes(all(wrong))).toEqual(['STORE_UNAVAILABLE'])
    expect(wrong.health()).toMatchObject({ reason: expect.stringContaining('WRONGPASS') })
  })
})
