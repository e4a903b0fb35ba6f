import type { InstanceId, SessionId } from '@mcp-router/core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { lasting } from '../open-store.contract.js'
import { aSession } from '../session-store.contract.js'
import type { Store } from '../store.js'
import { startRedis, type RedisProcess } from './redis-process.contract.js'
import { redisStore } from './store.js'
import { isFull } from './connection/unavailable.js'

const session = aSession()
const other = { ...session, id: `${session.id}-other` as SessionId }
const id = 'router-instance-1' as InstanceId
const instance = { id, address: 'http://127.0.0.1:1', pid: 1, startedAt: 1, sessions: 0 }

describe('while the memory of Redis is full', () => {
  let redis: RedisProcess
  let store: Store

  beforeAll(async () => {
    redis = await startRedis(['maxmemory-policy noeviction'])
    store = redisStore(redis.url, lasting)
    await store.sessions.create(session)
    await store.membership.join(instance)
    await redis.raw.pexpire(`mcp:sessions:${session.id}`, 10_000)
    await redis.raw.config('SET', 'maxmemory', '1')
  })
  afterAll(async () => {
    await store.close()
    await redis.close()
  })

  it('refuses a new session, says why, and leaves nothing of it', async () => {
    const refused = await store.sessions.create(other).catch((error: unknown) => error)
    expect(refused).toMatchObject({
      code: 'STORE_UNAVAILABLE',
      status: 503,
      message: expect.stringContaining('its memory is full'),
    })
    expect(isFull(refused)).toBe(true)
    expect(await redis.raw.exists(`mcp:sessions:${other.id}`)).toBe(0)
  })

  it('refuses to note a call', async () => {
    const owing = store.callLog.keep(session.id, 0, {
      entry: '1',
      callId: '',
      body: '{}',
    })
    expect(isFull(await owing.catch((error: unknown) => error))).toBe(true)
  })

  it('keeps what lives: its time, its state, its owner and the lease of the instance', async () => {
    expect(await store.sessions.touch([{ id: session.id, epoch: session.epoch }], 1)).toEqual([
      'kept',
    ])
    expect(await redis.raw.pttl(`mcp:sessions:${session.id}`)).toBeGreaterThan(10_000)
    expect(await store.sessions.update(session.id, session.epoch, { loggingLevel: 'debug' })).toBe(
      true,
    )
    expect(await store.sessions.claim(session.id, session.epoch, id)).toMatchObject({
      epoch: session.epoch + 1,
      loggingLevel: 'debug',
    })
    await store.membership.renew(instance)
    expect(store.health()).toEqual({ up: true, refusesWrites: 'its memory is full' })
  })

  it('takes new sessions once there is room again', async () => {
    await redis.raw.config('SET', 'maxmemory', '0')
    await store.sessions.create(other)
    expect(await store.sessions.find(other.id)).toMatchObject({ id: other.id })
    await store.membership.renew(instance)
    expect(store.health()).toEqual({ up: true })
  })
})

describe('while Redis refuses to write', () => {
  let redis: RedisProcess
  let store: Store

  beforeAll(async () => {
    redis = await startRedis()
    store = redisStore(redis.url, lasting)
    await store.membership.join(instance)
  })
  afterAll(async () => {
    await store.close()
    await redis.close()
  })

  it('for want of replicas, its health says so until a renewal succeeds', async () => {
    await redis.raw.config('SET', 'min-replicas-to-write', '1')
    await expect(store.membership.renew(instance)).rejects.toThrow()
    expect(store.health()).toEqual({
      up: true,
      refusesWrites: 'it has too few replicas (NOREPLICAS)',
    })
    await redis.raw.config('SET', 'min-replicas-to-write', '0')
    await store.membership.renew(instance)
    expect(store.health()).toEqual({ up: true })
  })

  it('as a replica, its health says so after it connected again, too', async () => {
    await redis.raw.replicaof('127.0.0.1', '1')
    await expect(store.membership.renew(instance)).rejects.toThrow()
    await expect
      .poll(() => store.health())
      .toEqual({ up: true, refusesWrites: 'it is a read-only replica (READONLY)' })
    await redis.raw.replicaof('NO', 'ONE')
    await expect
      .poll(async () => {
        await store.membership.renew(instance).catch(() => undefined)
        return store.health()
      })
      .toEqual({ up: true })
  })
})
