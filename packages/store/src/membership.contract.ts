import type { Instance, InstanceId } from '@mcp-router/core'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { lasting, type OpenStore } from './open-store.contract.js'
import type { Store } from './store.js'

const anInstance = (n: number, change: Partial<Instance> = {}): Instance => ({
  id: `router-instance-${n}` as InstanceId,
  address: `http://127.0.0.1:${8050 + n}`,
  pid: 1000 + n,
  startedAt: Date.parse('2025-01-02T03:04:05.678Z'),
  sessions: n,
  ...change,
})

const first = anInstance(1, { secretDigest: '0123456789abcdef' })
const elsewhere = anInstance(1, { address: 'http://127.0.0.1:9999', pid: 7 })

export const describeMembership = (open: OpenStore) => {
  describe('membership', () => {
    let store: Store

    beforeEach(async () => {
      store = await open(lasting)
    })

    afterEach(() => store.close())

    it('lists those who joined, by id', async () => {
      await store.membership.join(anInstance(2))
      expect(await store.membership.join(first)).toEqual({ kind: 'joined' })
      expect(await store.membership.list()).toEqual([first, anInstance(2)])
      expect(await store.membership.find(first.id)).toEqual(first)
    })

    it('finds nobody who did not join', async () => {
      expect(await store.membership.find(first.id)).toBeUndefined()
      expect(await store.membership.list()).toEqual([])
    })

    it('refuses an id that lives at another address, and says who has it', async () => {
      await store.membership.join(first)
      expect(await store.membership.join(elsewhere)).toEqual({ kind: 'taken', by: first })
      expect(await store.membership.find(first.id)).toEqual(first)
    })

    it('lets one of two at once have the id', async () => {
      const outcomes = await Promise.all([
        store.membership.join(first),
        store.membership.join(elsewhere),
      ])
      expect(outcomes.map((outcome) => outcome.kind).toSorted()).toEqual(['joined', 'taken'])
    })

    it('gives the id to another address on eviction', async () => {
      await store.membership.join(first)
      expect(await store.membership.join(elsewhere, { evict: true })).toEqual({ kind: 'joined' })
      expect(await store.membership.list()).toEqual([elsewhere])
    })

    it('does not give it back when the one evicted renews', async () => {
      await store.membership.join(first)
      await store.membership.join(elsewhere, { evict: true })
      await store.membership.renew(first)
      expect(await store.membership.find(first.id)).toEqual(elsewhere)
    })

    it('lets the same address replace its predecessor', async () => {
      const successor = { ...first, pid: 4242, sessions: 0 }
      await store.membership.join(first)
      expect(await store.membership.join(successor)).toEqual({ kind: 'joined' })
      expect(await store.membership.list()).toEqual([successor])
    })

    it('publishes the load on renewal', async () => {
      await store.membership.join(first)
      await store.membership.renew({ ...first, sessions: 99 })
      expect(await store.membership.find(first.id)).toEqual({ ...first, sessions: 99 })
    })

    it('forgets one who leaves', async () => {
      await store.membership.join(first)
      await store.membership.join(anInstance(2))
      await store.membership.leave(first.id)
      expect(await store.membership.list()).toEqual([anInstance(2)])
      expect(await store.membership.find(first.id)).toBeUndefined()
    })
  })

  describe('a lease', () => {
    let store: Store

    beforeEach(async () => {
      store = await open({ ...lasting, leaseMs: 600 })
    })

    afterEach(() => store.close())

    it('lapses when it is not renewed, and the id is free', async () => {
      await store.membership.join(first)
      const isGone = async () => (await store.membership.list()).length === 0
      await vi.waitUntil(isGone, { timeout: 5_000, interval: 20 })
      expect(await store.membership.find(first.id)).toBeUndefined()
      expect(await store.membership.join(elsewhere)).toEqual({ kind: 'joined' })
      expect(await store.membership.list()).toEqual([elsewhere])
    })

    it('lasts while it is renewed', async () => {
      await store.membership.join(first)
      const later = Date.now() + 1_000
      const isOver = async () => {
        await store.membership.renew(first)
        expect(await store.membership.list()).toEqual([first])
        return Date.now() > later
      }
      await vi.waitUntil(isOver, { timeout: 5_000, interval: 20 })
    })

    it('is taken anew by a renewal after it lapsed', async () => {
      await store.membership.join(first)
      const isGone = async () => (await store.membership.list()).length === 0
      await vi.waitUntil(isGone, { timeout: 5_000, interval: 20 })
      await store.membership.renew(first)
      expect(await store.membership.list()).toEqual([first])
    })
  })
}
