import type { InstanceId } from '@mcp-router/core'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { aSession } from '../../session-store.contract.js'
import type { Store } from '../../store.js'
import {
  callKey,
  callsKey,
  closedStreamsKey,
  clusterSecretKey,
  eraKey,
  generationKey,
  instanceKey,
  instancesKey,
  lifeKey,
  openStreamsKey,
  sessionKey,
} from '../keys.js'
import { startRedis, type RedisProcess } from '../redis-process.contract.js'
import { redisStore } from '../store.js'

const options = { sessionTtlMs: 1_800_000, leaseMs: 15_000 }
const session = aSession({ epoch: 1 })
const instance = {
  id: 'router-instance-1' as InstanceId,
  address: 'http://127.0.0.1:8051',
  pid: 4711,
  startedAt: 1,
  sessions: 0,
}
const call = { instance: instance.id, at: 1, digest: 'd' }
const entry = { entry: '1', callId: 'r', body: '{}' }
const turn = {
  at: 1,
  kind: 'opened',
  instance: instance.id,
  backend: 'weather',
  principal: 'ada',
  endpoint: 'e',
  epoch: 1,
  cause: '',
} as const

describe('a key of ours that holds a value of another type', () => {
  let redis: RedisProcess
  let store: Store

  beforeAll(async () => {
    redis = await startRedis()
  })
  afterAll(() => redis.close())
  beforeEach(async () => {
    await redis.raw.flushall()
    store = redisStore(redis.url, options)
  })
  afterEach(() => store.close())

  // A stream is what no key of ours is.
  const spoil = async (...keys: readonly string[]) => {
    for (const key of keys) {
      await redis.raw.del(key)
      await redis.raw.xadd(key, '*', 'a', 'b')
    }
  }

  it('keeps no instance from starting, living on and leaving', async () => {
    const { membership } = store
    await spoil(instancesKey, instanceKey(instance.id))
    expect(await membership.join(instance)).toEqual({ kind: 'joined' })
    expect(await redis.raw.smembers(instancesKey)).toEqual([instance.id])
    await spoil(instancesKey)
    await membership.renew(instance)
    expect(await membership.list()).toEqual([instance])
    await spoil(instancesKey)
    expect(await membership.list()).toEqual([])
    await spoil(instancesKey)
    await membership.leave(instance.id)
  })

  it('gives way to the secret of the cluster, which all instances share', async () => {
    await spoil(clusterSecretKey)
    const secret = await store.clusterSecret()
    expect(await redis.raw.get(clusterSecretKey)).toBe(secret)
    await spoil(clusterSecretKey)
    await store.generation()
    expect(await redis.raw.get(clusterSecretKey)).toBe(secret)
  })

  it('is no secret when it is empty', async () => {
    await redis.raw.set(clusterSecretKey, '')
    expect(await store.clusterSecret()).toMatch(/^[0-9a-f]{64}$/)
  })

  it('gives way to the name of what the store holds', async () => {
    await spoil(generationKey)
    const generation = await store.generation()
    expect(await store.generation()).toBe(generation)
  })

  it('says nothing of an era, and gives way to it', async () => {
    await spoil(eraKey('0a1b'))
    expect(await store.eras.find('0a1b')).toBeUndefined()
    await store.eras.keep('0a1b', 'modern', 60_000)
    expect(await store.eras.find('0a1b')).toMatchObject({ era: 'modern' })
  })

  it('is no record, and gives way to one that is restored', async () => {
    await spoil(sessionKey(session.id))
    expect(await store.sessions.restore(session)).toBe('restored')
    expect(await store.sessions.find(session.id)).toEqual(session)
  })

  it('is no entry of a call, and gives way to one', async () => {
    await spoil(callsKey(session.id))
    expect(await store.callLog.entries(session.id)).toEqual([])
    await store.callLog.drop(session.id, 1, ['1'])
    await spoil(callsKey(session.id))
    await store.callLog.keep(session.id, 1, entry)
    expect(await store.callLog.entries(session.id)).toEqual([entry])
  })

  it('is no accepted call, and gives way to one', async () => {
    await spoil(callKey('r'))
    expect(await store.callLog.find('r')).toBeUndefined()
    await spoil(callKey('r'))
    expect(await store.callLog.accept('r', call)).toBeUndefined()
    expect(await store.callLog.accept('r', { ...call, at: 2 })).toEqual(call)
  })

  it.each(['', 'garbage', 'null', '[]', '{"instance":1,"at":1,"digest":"d"}'])(
    'is no accepted call when it reads %o, and gives way to one',
    async (text) => {
      await redis.raw.set(callKey('r'), text)
      expect(await store.callLog.find('r')).toBeUndefined()
      expect(await store.callLog.accept('r', call)).toBeUndefined()
      expect(await store.callLog.find('r')).toEqual(call)
    },
  )

  it('is no life of a session, and gives way to one', async () => {
    await spoil(lifeKey(session.id))
    expect(await store.lives.read(session.id)).toEqual([])
    await spoil(lifeKey(session.id))
    await store.lives.note(session.id, turn)
    expect(await store.lives.read(session.id)).toEqual([turn])
  })

  it('names no stream of a client, and gives way to one', async () => {
    const keys = [openStreamsKey('x'), closedStreamsKey('x')]
    const { id } = session
    const noted = { session: id, isOpen: true, at: Date.now() }
    await spoil(...keys)
    expect(await store.orphans.find('x')).toEqual([])
    await spoil(...keys)
    await store.orphans.note('x', noted)
    expect(await store.orphans.find('x')).toEqual([noted])
    await spoil(...keys)
    await store.orphans.forget('x', id)
  })
})
