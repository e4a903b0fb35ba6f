import type { Instance, InstanceId } from '@mcp-router/core'
import { beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest'
import type { Store } from '../store.js'
import { startRedis, type RedisProcess } from './redis-process.contract.js'
import { redisStore } from './store.js'

const leaseMs = 600
const instance = (n: number): Instance => ({
  id: `router-instance-${n}` as InstanceId,
  address: `http://127.0.0.1:${8050 + n}`,
  pid: 1000 + n,
  startedAt: 1,
  sessions: 0,
})
const [first, second] = [instance(1), instance(2)]
const patience = { timeout: 10_000, interval: 20 }

let redis: RedisProcess
let asker: Store
let other: Store

beforeEach(async () => {
  redis = await startRedis()
  const options = { sessionTtlMs: 60_000, leaseMs }
  asker = redisStore(redis.url, options)
  other = redisStore(redis.url, options)
  onTestFinished(async () => {
    await asker.close()
    await other.close()
    await redis.close()
  })
  await asker.membership.join(first)
  await other.membership.join(second)
  await asker.membership.renew(first)
})

const isBack = () => vi.waitUntil(() => asker.health().up, patience)
const seen = async () => [
  await asker.membership.find(second.id),
  (await asker.membership.list()).map(({ id }) => id),
]

describe('an instance whose lease is missing', () => {
  it('counts as there while Redis is away, and until it had the time to come back', async () => {
    await redis.kill()
    await vi.waitUntil(() => !asker.health().up, patience)
    expect(await seen()).toEqual([second, [first.id, second.id]])
    const killed = performance.now()
    await vi.waitUntil(() => performance.now() - killed > 2 * leaseMs, patience)
    await redis.start()
    await isBack()
    // There was no file to read the leases from.
    expect(await redis.raw.exists(`mcp:instance:${second.id}`)).toBe(0)
    expect(await seen()).toEqual([second, [first.id, second.id]])
    const isGone = async () => (await asker.membership.find(second.id)) === undefined
    await vi.waitUntil(isGone, patience)
    expect(await asker.membership.list()).toEqual([])
  })

  it('counts as there when the lease of who asks was lost as well', async () => {
    await asker.membership.renew(first)
    await redis.raw.flushall()
    expect(await asker.membership.find(second.id)).toEqual(second)
    await asker.membership.renew(first)
    expect(await asker.membership.find(second.id)).toEqual(second)
  })

  it('is gone where nothing was lost', async () => {
    // One may be under way when the store is closed.
    const renew = () => void asker.membership.renew(first).catch(() => undefined)
    const renewing = setInterval(renew, leaseMs / 4)
    onTestFinished(() => clearInterval(renewing))
    const asked = performance.now()
    const isGone = async () => (await asker.membership.find(second.id)) === undefined
    await vi.waitUntil(isGone, patience)
    expect(performance.now() - asked).toBeLessThan(2_000)
    await other.membership.renew(second)
    await other.membership.leave(second.id)
    expect(await asker.membership.find(second.id)).toBeUndefined()
  })
})
