import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { describeEras } from './era-store.contract.js'
import { describeCallLog } from './call-log.contract.js'
import { describeMembership } from './membership.contract.js'
import { lasting, type OpenStore } from './open-store.contract.js'
import { describeLives } from './session-lives.contract.js'
import { describeSessions } from './session-store.contract.js'
import { describeOrphans } from './orphan-index.contract.js'
import type { Store } from './store.js'

/** describeStore is the contract of every Store. Its tests run one by one, also where several stores are tested at once. */
export const describeStore = (name: string, open: OpenStore) => {
  describe.sequential(`${name} store`, () => {
    describeSessions(open)
    describeLives(open)
    describeMembership(open)
    describeEras(open)
    describeCallLog(open)
    describeOrphans(open)

    describe('as a whole', () => {
      let store: Store

      beforeEach(async () => {
        store = await open(lasting)
      })

      afterEach(() => store.close())

      it('makes one secret of 32 bytes for the cluster and keeps it', async () => {
        const secret = await store.clusterSecret()
        expect(secret).toMatch(/^[0-9a-f]{64}$/)
        expect(await store.clusterSecret()).toBe(secret)
      })

      it('gives the configured secret where there is one', async () => {
        const other = await open({ ...lasting, clusterSecret: 'configured' })
        expect(await other.clusterSecret()).toBe('configured')
        await other.close()
      })

      it('has one name for what it holds', async () => {
        const generation = await store.generation()
        expect(generation).not.toBe('')
        expect(await store.generation()).toBe(generation)
      })

      it('is up once it has answered', async () => {
        await store.membership.list()
        expect(store.health()).toEqual({ up: true })
      })

      it('is down, and says so, when it is closed', async () => {
        await store.membership.list()
        await store.close()
        await store.close()
        expect(store.health()).toMatchObject({ up: false, reason: 'closed' })
        await expect(store.membership.list()).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' })
      })
    })
  })
}
