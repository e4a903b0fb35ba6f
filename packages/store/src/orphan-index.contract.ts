import type { SessionId } from '@mcp-router/core'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { lasting, type OpenStore } from './open-store.contract.js'
import { maxAlike, openMs, orphanMs } from './orphan-index.js'
import type { NotedStream } from './orphan-index.js'
import type { Store } from './store.js'

const open = (session: string, at = Date.now()): NotedStream => ({
  session: session as SessionId,
  isOpen: true,
  at,
})
const closed = (session: string, at = Date.now()): NotedStream => ({
  ...open(session, at),
  isOpen: false,
})
const byName = (streams: readonly NotedStream[] | undefined) =>
  streams?.toSorted((a, b) => (a.session < b.session ? -1 : 1))

/** describeOrphans is the contract of every OrphanIndex. */
export const describeOrphans = (openStore: OpenStore) => {
  describe('orphans', () => {
    let store: Store

    beforeEach(async () => {
      store = await openStore(lasting)
    })

    afterEach(() => store.close())

    it('are found by their looks, with what was noted of them', async () => {
      const [a, b] = [open('a'), closed('b')]
      await store.orphans.note('x', a)
      await store.orphans.note('x', b)
      await store.orphans.note('y', open('c'))
      expect(byName(await store.orphans.find('x'))).toEqual([a, b])
      expect(await store.orphans.find('z')).toEqual([])
    })

    it('are what was noted last', async () => {
      const now = Date.now()
      await store.orphans.note('x', open('a', now))
      await store.orphans.note('x', closed('a', now + 1))
      expect(await store.orphans.find('x')).toEqual([closed('a', now + 1)])
      await store.orphans.note('x', open('a', now + 2))
      expect(await store.orphans.find('x')).toEqual([open('a', now + 2)])
    })

    it('are forgotten one by one', async () => {
      const b = closed('b')
      await store.orphans.note('x', open('a'))
      await store.orphans.note('x', b)
      await store.orphans.forget('x', 'a' as SessionId)
      await store.orphans.forget('x', 'never' as SessionId)
      expect(await store.orphans.find('x')).toEqual([b])
      await store.orphans.forget('x', 'b' as SessionId)
      expect(await store.orphans.find('x')).toEqual([])
    })

    it('are found no more after their time', async () => {
      const now = Date.now()
      await store.orphans.note('x', open('a', now - openMs - 1))
      await store.orphans.note('x', open('b', now - openMs + 10_000))
      await store.orphans.note('x', closed('c', now - orphanMs - 1))
      await store.orphans.note('x', closed('d', now - orphanMs + 10_000))
      expect(byName(await store.orphans.find('x'))?.map(({ session }) => session)).toEqual([
        'b',
        'd',
      ])
    })

    it('are not told when they are too many', async () => {
      for (let n = 0; n < maxAlike; n++) await store.orphans.note('x', open(`s-${n}`))
      expect(await store.orphans.find('x')).toHaveLength(maxAlike)
      await store.orphans.note('x', open('one more'))
      expect(await store.orphans.find('x')).toBeUndefined()
    })

    it('are not to be had from a store that is closed', async () => {
      await store.orphans.find('x')
      await store.close()
      const refused = { code: 'STORE_UNAVAILABLE' }
      await expect(store.orphans.find('x')).rejects.toMatchObject(refused)
      await expect(store.orphans.note('x', open('a'))).rejects.toMatchObject(refused)
    })
  })
}
