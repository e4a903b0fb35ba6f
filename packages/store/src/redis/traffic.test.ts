import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { lasting } from '../open-store.contract.js'
import { aSession } from '../session-store.contract.js'
import type { Store } from '../store.js'
import { startRedis, type RedisProcess } from './redis-process.contract.js'
import { redisStore } from './store.js'

describe('a store that asks Redis', () => {
  let redis: RedisProcess
  let store: Store

  beforeAll(async () => {
    redis = await startRedis()
  })

  afterAll(() => redis.close())

  beforeEach(async () => {
    await redis.raw.flushall()
    store = redisStore(redis.url, lasting)
  })

  afterEach(() => store.close())

  it('walks the sessions by SCAN, never by KEYS', async () => {
    const sessions = Array.from({ length: 1_500 }, () => aSession())
    await Promise.all(sessions.map((one) => store.sessions.create(one)))
    await redis.raw.config('RESETSTAT')
    const found: string[] = []
    for await (const { id } of store.sessions.list()) found.push(id)
    expect(found).toHaveLength(1_500)
    await store.membership.list()
    const stats = await redis.raw.info('commandstats')
    expect(stats).not.toContain('cmdstat_keys:')
    expect(Number(/cmdstat_scan:calls=(\d+)/.exec(stats)?.[1])).toBeGreaterThan(1)
  })

  it('touches in one round trip, however many sessions there are', async () => {
    const sessions = Array.from({ length: 50 }, () => aSession())
    await Promise.all(sessions.map((one) => store.sessions.create(one)))
    const reads = async () =>
      Number(/total_reads_processed:(\d+)/.exec(await redis.raw.info('stats'))?.[1])
    const before = await reads()
    await store.sessions.touch(
      sessions.map(({ id, epoch }) => ({ id, epoch })),
      Date.now(),
    )
    // One is the second reading of the counter, the others are parts of a long write.
    expect((await reads()) - before).toBeLessThan(6)
  })

  it('does without the scripts that it loaded before', async () => {
    const session = aSession({ epoch: 1 })
    await store.sessions.create(session)
    await redis.raw.script('FLUSH')
    await store.sessions.create(session)
    const touches = Array.from({ length: 3 }, () => ({ id: session.id, epoch: 1 }))
    await store.sessions.touch(touches, 1)
    await redis.raw.script('FLUSH')
    expect(await store.sessions.touch(touches, 1)).toEqual(['kept', 'kept', 'kept'])
  })
})
