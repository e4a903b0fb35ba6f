import type { Instance, InstanceId, SessionId } from '@mcp-router/core'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { lasting } from '../open-store.contract.js'
import { aSession } from '../session-store.contract.js'
import type { Store } from '../store.js'
import { startRedis, type RedisProcess } from './redis-process.contract.js'
import { redisStore } from './store.js'

const id = '0b6f5f1e-5d3c-4a9d-8f43-1f6f7f1c0a11' as SessionId
const key = `mcp:sessions:${id}`
const session = aSession({ id, downstream: 'sse', epoch: 1, subscriptions: ['file:///a'] })

const instance: Instance = {
  id: 'router-instance-1' as InstanceId,
  address: 'http://127.0.0.1:8051',
  pid: 4711,
  startedAt: Date.parse('2025-01-02T03:04:05.678Z'),
  sessions: 3,
}

describe('what stands in Redis', () => {
  let redis: RedisProcess
  let store: Store

  beforeAll(async () => {
    redis = await startRedis()
  })

  afterAll(() => redis.close())

  beforeEach(async () => {
    await redis.raw.flushall()
    store = redisStore(redis.url, { sessionTtlMs: 1_800_000, leaseMs: 15_000 })
  })

  afterEach(() => store.close())

  const listed = async () => {
    const ids: string[] = []
    for await (const { id } of store.sessions.list()) ids.push(id)
    return ids
  }

  it('is a hash for a session, for as long as it may live', async () => {
    await store.sessions.create(session)
    expect(await redis.raw.hgetall(key)).toEqual({
      sessionId: id,
      instanceId: 'router-instance-1',
      serviceName: 'weather',
      backendSessionId: '',
      transportType: 'SSE',
      lastActive: '2025-01-02T03:04:05.678Z',
      active: 'true',
      principal: 'ada',
      revision: '2025-06-18',
      endpoint: 'http://127.0.0.1:8071/mcp',
      place: session.place,
      epoch: '1',
      initialize: session.initialize,
      loggingLevel: '',
      subscriptions: '["file:///a"]',
    })
    expect(await redis.raw.pttl(key)).toBeGreaterThan(1_790_000)
    expect(await redis.raw.pttl(key)).toBeLessThanOrEqual(1_800_000)
  })

  it('says STREAMABLE of a session over Streamable HTTP', async () => {
    await store.sessions.create({ ...session, downstream: 'http' })
    expect(await redis.raw.hget(key, 'transportType')).toBe('STREAMABLE')
  })

  it('gets its life back whole at a touch', async () => {
    await store.sessions.create(session)
    await redis.raw.pexpire(key, 60_000)
    await store.sessions.touch([{ id, epoch: 1 }], Date.parse('2025-02-03T04:05:06.007Z'))
    expect(await redis.raw.hget(key, 'lastActive')).toBe('2025-02-03T04:05:06.007Z')
    expect(await redis.raw.pttl(key)).toBeGreaterThan(1_790_000)
  })

  it.each([
    ['active', 'false'],
    ['serviceName', 'no/name'],
    ['transportType', 'PIGEON'],
    ['lastActive', 'yesterday'],
    ['epoch', '-1'],
    ['subscriptions', '{'],
    ['subscriptions', '[1]'],
    // They go into headers of requests.
    ['backendSessionId', 'a\r\nX-Evil: 1'],
    ['backendSessionId', 'a\u20ac'],
    ['cookies', 'a=b\r\nHost: evil'],
    ['revision', '2025-11-25\r\nX: y'],
    ['revision', 'x'.repeat(10_000)],
  ])('is no session when %s is %s', async (field, value) => {
    await store.sessions.create(session)
    await redis.raw.hset(key, field, value)
    expect(await store.sessions.find(id)).toBeUndefined()
    expect(await listed()).toEqual([])
  })

  it.each(['principal', 'endpoint', 'initialize', 'epoch'])(
    'is no session without %s',
    async (field) => {
      await store.sessions.create(session)
      await redis.raw.hdel(key, field)
      expect(await store.sessions.find(id)).toBeUndefined()
    },
  )

  it('is no session when it is no hash', async () => {
    await redis.raw.set(key, 'something else')
    await redis.raw.rpush('mcp:sessions:list', 'a')
    await redis.raw.xadd(`{${key}}:events:1`, '*', 'a', 'b')
    expect(await store.sessions.find(id)).toBeUndefined()
    expect(await store.sessions.update(id, 1, { loggingLevel: 'debug' })).toBe(false)
    expect(await store.sessions.touch([{ id, epoch: 1 }], 1)).toEqual(['gone'])
    expect(await store.sessions.claim(id, 1, instance.id)).toBeUndefined()
    expect(await listed()).toEqual([])
  })

  it('is a hash with a lease for an instance, and its id in a set', async () => {
    await store.membership.join(instance)
    expect(await redis.raw.hgetall('mcp:instance:router-instance-1')).toEqual({
      address: 'http://127.0.0.1:8051',
      pid: '4711',
      startedAt: '2025-01-02T03:04:05.678Z',
      sessions: '3',
      back: '',
      secretDigest: '',
    })
    expect(await redis.raw.pttl('mcp:instance:router-instance-1')).toBeGreaterThan(10_000)
    expect(await redis.raw.pttl('mcp:instance:router-instance-1')).toBeLessThanOrEqual(15_000)
    expect(await redis.raw.smembers('mcp:instances')).toEqual(['router-instance-1'])
  })

  it('loses the id of an instance whose lease is gone when the instances are listed', async () => {
    await redis.raw.sadd('mcp:instances', 'router-instance-1')
    expect(await store.membership.list()).toEqual([])
    expect(await redis.raw.exists('mcp:instances')).toBe(0)
  })

  it('gives way to a join when the lease cannot be read', async () => {
    await redis.raw.hset('mcp:instance:router-instance-1', 'address', 'http://elsewhere')
    expect(await store.membership.join(instance)).toEqual({ kind: 'joined' })
    expect(await store.membership.find(instance.id)).toEqual(instance)
  })

  it('is one secret, whichever instance was first', async () => {
    const other = redisStore(redis.url, lasting)
    const [mine, theirs] = await Promise.all([store.clusterSecret(), other.clusterSecret()])
    await other.close()
    expect(theirs).toBe(mine)
    expect(await redis.raw.get('mcp:cluster:secret')).toBe(mine)
    expect(await redis.raw.pttl('mcp:cluster:secret')).toBe(-1)
  })

  it('is one word per endpoint whose era is known, as long as it holds', async () => {
    await store.eras.keep('0a1b', 'modern', 600_000)
    expect(await redis.raw.get('mcp:eras:0a1b')).toBe('modern')
    expect(await redis.raw.pttl('mcp:eras:0a1b')).toBeGreaterThan(590_000)
    expect(await redis.raw.pttl('mcp:eras:0a1b')).toBeLessThanOrEqual(600_000)
  })

  it.each([
    ['is no era', 'future', 60_000],
    ['would live for ever', 'legacy', 0],
  ])('tells nothing by a word that %s', async (_, word, ttlMs) => {
    await redis.raw.set('mcp:eras:0a1b', word)
    if (ttlMs > 0) await redis.raw.pexpire('mcp:eras:0a1b', ttlMs)
    expect(await store.eras.find('0a1b')).toBeUndefined()
  })

  it('is in the database that the URL names', async () => {
    const other = redisStore(`${redis.url}/3`, lasting)
    await other.sessions.create(session)
    await other.close()
    expect(await redis.raw.exists(key)).toBe(0)
    await redis.raw.select(3)
    expect(await redis.raw.exists(key)).toBe(1)
    await redis.raw.select(0)
  })

  it('is shared by all stores at once', async () => {
    const other = redisStore(redis.url, lasting)
    await store.sessions.create(session)
    expect(await other.sessions.find(id)).toEqual(session)
    await other.close()
  })

  it('has another name once it was emptied, and the same secret again', async () => {
    const secret = await store.clusterSecret()
    const generation = await store.generation()
    await redis.raw.flushall()
    const next = await store.generation()
    expect(next).not.toBe(generation)
    expect(await store.generation()).toBe(next)
    expect(await redis.raw.get('mcp:cluster:secret')).toBe(secret)
  })
})
