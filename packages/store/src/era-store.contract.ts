import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { lasting, type OpenStore } from './open-store.contract.js'
import type { Store } from './store.js'

export const describeEras = (open: OpenStore) => {
  describe('eras', () => {
    let store: Store

    beforeEach(async () => {
      store = await open(lasting)
    })

    afterEach(() => store.close())

    it('finds what was kept, and how long it lives', async () => {
      await store.eras.keep('a', 'modern', 60_000)
      await store.eras.keep('b', 'legacy', 60_000)
      const found = await store.eras.find('a')
      expect(found).toEqual({ era: 'modern', leftMs: expect.any(Number) })
      expect(found!.leftMs).toBeGreaterThan(50_000)
      expect(found!.leftMs).toBeLessThanOrEqual(60_000)
      expect(await store.eras.find('b')).toMatchObject({ era: 'legacy' })
    })

    it('finds nothing that was never kept', async () => {
      expect(await store.eras.find('a')).toBeUndefined()
    })

    it('replaces what was kept, and its life', async () => {
      await store.eras.keep('a', 'legacy', 60_000)
      await store.eras.keep('a', 'modern', 1_000)
      const found = await store.eras.find('a')
      expect(found?.era).toBe('modern')
      expect(found?.leftMs).toBeLessThanOrEqual(1_000)
    })

    it('forgets one, and minds none that is not there', async () => {
      await store.eras.keep('a', 'legacy', 60_000)
      await store.eras.keep('b', 'legacy', 60_000)
      await store.eras.forget('a')
      await store.eras.forget('a')
      expect(await store.eras.find('a')).toBeUndefined()
      expect(await store.eras.find('b')).toMatchObject({ era: 'legacy' })
    })

    it('finds nothing after its life', async () => {
      await store.eras.keep('a', 'modern', 200)
      const isGone = async () => (await store.eras.find('a')) === undefined
      await vi.waitUntil(isGone, { timeout: 5_000, interval: 20 })
    })

    it('finds and keeps nothing once it is closed', async () => {
      await store.eras.find('a')
      await store.close()
      const refused = { code: 'STORE_UNAVAILABLE' }
      await expect(store.eras.find('a')).rejects.toMatchObject(refused)
      await expect(store.eras.keep('a', 'legacy', 1_000)).rejects.toMatchObject(refused)
      await expect(store.eras.forget('a')).rejects.toMatchObject(refused)
    })
  })
}
