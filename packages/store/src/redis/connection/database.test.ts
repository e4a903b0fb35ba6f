import { onTestFinished, useConcurrentTests } from '@mcp-router/testkit/test'
import { describe, expect, it, vi } from 'vitest'
import { lasting } from '../../open-store.contract.js'
import { aSession } from '../../session-store.contract.js'
import type { Store } from '../../store.js'
import { startSentinel, startSingle } from '../deployment.contract.js'
import { startRedis } from '../redis-process.contract.js'
import { redisStore } from '../store.js'

const session = aSession()
const patience = { timeout: 12_000, interval: 20 }

useConcurrentTests()

const opened = <T extends { close(): Promise<void> }>(thing: T): T => {
  onTestFinished(() => thing.close())
  return thing
}

const storeAt = (url: string): Store => opened(redisStore(url, lasting))

const codeOf = (work: Promise<unknown>): Promise<string> =>
  work.then(
    () => 'done',
    (error: unknown) => (error as { readonly code: string }).code,
  )

describe.concurrent('the database of the URL', () => {
  it.each([
    ['one server', () => startSingle('tcp'), '/99'],
    ['a socket', () => startSingle('socket'), '?db=99'],
    ['a Sentinel', () => startSentinel(), '/99'],
  ])('is the only one that is used, also where there is none: %s', async (_name, start, part) => {
    const deployment = opened(await start())
    const store = storeAt(`${deployment.url}${part}`)
    expect(await codeOf(store.clusterSecret())).toBe('STORE_UNAVAILABLE')
    expect(await codeOf(store.sessions.create(session))).toBe('STORE_UNAVAILABLE')
    expect(store.health()).toMatchObject({
      up: false,
      reason: 'database 99 cannot be used: DB index is out of range',
    })
    expect(await deployment.masters[0]!.raw.dbsize()).toBe(0)
  })

  it.each(['-select', '-select -info'])('is no other where the user has %s', async (rights) => {
    const redis = opened(await startRedis([`user store on >secret ~* &* +@all ${rights}`]))
    const store = storeAt(`redis://store:secret@127.0.0.1:${redis.port}/5`)
    expect(await codeOf(store.sessions.create(session))).toBe('STORE_UNAVAILABLE')
    expect(store.health()).toMatchObject({
      reason: expect.stringMatching(/^database 5 cannot be used: .*no permissions/),
    })
    expect(await redis.raw.dbsize()).toBe(0)
  })

  it('is no other after a reconnect, and is used again as soon as it may be', async () => {
    const redis = opened(await startRedis(['user store on >secret ~* &* +@all']))
    const store = storeAt(`redis://store:secret@127.0.0.1:${redis.port}/5`)
    await store.sessions.create(session)
    expect(await redis.raw.dbsize()).toBe(0)

    await redis.raw.acl('SETUSER', 'store', '-select')
    await redis.raw.client('KILL', 'USER', 'store')
    await vi.waitUntil(() => !store.health().up, patience)
    const until = performance.now() + 1_000
    while (performance.now() < until) {
      expect(await codeOf(store.sessions.find(session.id))).toBe('STORE_UNAVAILABLE')
      expect(await codeOf(store.eras.keep('a', 'legacy', 60_000))).toBe('STORE_UNAVAILABLE')
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
    expect(await redis.raw.dbsize()).toBe(0)

    await redis.raw.acl('SETUSER', 'store', '+select')
    await vi.waitUntil(async () => (await codeOf(store.generation())) === 'done', patience)
    expect(await store.sessions.find(session.id)).toBeDefined()
    expect(await redis.raw.dbsize()).toBe(0)
  })

  it('is apart from that of another cluster', async () => {
    const redis = opened(await startRedis())
    const [one, other] = [storeAt(`${redis.url}/0`), storeAt(`${redis.url}/1`)]
    await one.sessions.create(session)
    expect(await other.sessions.find(session.id)).toBeUndefined()
  })

  it('is not what is told where the password is wrong', async () => {
    const redis = opened(await startRedis(['user store on >secret ~* &* +@all']))
    const store = storeAt(`redis://store:wrong@127.0.0.1:${redis.port}/5`)
    expect(await codeOf(store.generation())).toBe('STORE_UNAVAILABLE')
    expect(store.health()).toMatchObject({ reason: expect.stringMatching(/^WRONGPASS/) })
  })
})
