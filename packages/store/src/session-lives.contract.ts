import type { InstanceId, SessionId } from '@mcp-router/core'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { lasting, type OpenStore } from './open-store.contract.js'
import type { LifeEntry } from './session-lives.js'
import { lifeEntries } from './session-lives.js'
import { aSession } from './session-store.contract.js'
import type { Store } from './store.js'

const session = 's-1' as SessionId

const anEntry = (change: Partial<LifeEntry> = {}): LifeEntry => ({
  at: 1_700_000_000_123,
  kind: 'opened',
  instance: 'router-instance-1' as InstanceId,
  backend: 'weather',
  principal: 'ada',
  endpoint: 'http://127.0.0.1:8071/mcp',
  epoch: 1,
  cause: '',
  ...change,
})

/** describeLives is the contract of all SessionLives. */
export const describeLives = (open: OpenStore) => {
  describe('what happened to sessions', () => {
    let store: Store

    beforeEach(async () => {
      store = await open(lasting)
    })

    afterEach(() => store.close())

    it('is told in its order, to the last property', async () => {
      const taken = anEntry({
        kind: 'taken over',
        epoch: 2,
        cause: 'the lease of "ü" 😀 had ended',
      })
      // By another clock.
      const ended = anEntry({ at: 1, kind: 'ended', instance: 'router-instance-2' as InstanceId })
      for (const entry of [anEntry(), taken, ended]) await store.lives.note(session, entry)
      expect(await store.lives.read(session)).toEqual([anEntry(), taken, ended])
    })

    it('is noted in the order in which it was said, though nobody waits for it', async () => {
      const entries = Array.from({ length: 50 }, (_, at) => anEntry({ at }))
      await Promise.all(entries.map((entry) => store.lives.note(session, entry)))
      expect(await store.lives.read(session)).toEqual(entries)
    })

    it('is told of each session apart, and of others is nothing', async () => {
      await store.lives.note(session, anEntry())
      await store.lives.note('s-2' as SessionId, anEntry({ kind: 'moved' }))
      expect(await store.lives.read(session)).toEqual([anEntry()])
      expect(await store.lives.read('s-3' as SessionId)).toEqual([])
    })

    it('is kept to the last hundred turns', async () => {
      const entries = Array.from({ length: lifeEntries + 5 }, (_, at) => anEntry({ at }))
      await Promise.all(entries.map((entry) => store.lives.note(session, entry)))
      expect(await store.lives.read(session)).toEqual(entries.slice(5))
    })

    it('outlives the record', async () => {
      const record = aSession()
      await store.sessions.create(record)
      await store.lives.note(record.id, anEntry())
      await store.sessions.delete(record.id)
      await store.lives.note(record.id, anEntry({ kind: 'ended' }))
      const kinds = (await store.lives.read(record.id)).map(({ kind }) => kind)
      expect(kinds).toEqual(['opened', 'ended'])
    })

    it('names each session of which something is known, also one that ended', async () => {
      const record = aSession()
      await store.sessions.create(record)
      await store.lives.note(record.id, anEntry())
      await store.sessions.delete(record.id)
      await store.lives.note('s-2' as SessionId, anEntry())
      const listed: SessionId[] = []
      for await (const id of store.lives.list()) listed.push(id)
      expect(listed.sort()).toEqual([record.id, 's-2'].sort())
    })

    it('is no session', async () => {
      await store.lives.note(session, anEntry())
      for await (const listed of store.sessions.list()) expect(listed).toBeUndefined()
      expect(await store.sessions.find(session)).toBeUndefined()
    })

    it('is neither noted nor told once the store is closed', async () => {
      await store.lives.read(session)
      await store.close()
      const refused = { code: 'STORE_UNAVAILABLE' }
      await expect(store.lives.note(session, anEntry())).rejects.toMatchObject(refused)
      await expect(store.lives.read(session)).rejects.toMatchObject(refused)
    })
  })

  describe('what happened to a session whose life is short', () => {
    const ttlMs = 600
    let store: Store

    beforeEach(async () => {
      store = await open({ ...lasting, sessionTtlMs: ttlMs })
    })

    afterEach(() => store.close())

    it('is forgotten some time after it was used last', async () => {
      await store.lives.note(session, anEntry())
      const isGone = async () => (await store.lives.read(session)).length === 0
      await vi.waitUntil(isGone, { timeout: 10_000, interval: 20 })
    })

    it('is remembered while somebody touches the session', async () => {
      const record = aSession()
      await store.sessions.create(record)
      await store.lives.note(record.id, anEntry())
      const later = Date.now() + 3 * ttlMs
      const isOver = async () => {
        const touches = [{ id: record.id, epoch: 0 }]
        expect(await store.sessions.touch(touches, Date.now())).toEqual(['kept'])
        return Date.now() > later
      }
      await vi.waitUntil(isOver, { timeout: 10_000, interval: 20 })
      expect(await store.lives.read(record.id)).toEqual([anEntry()])
    })
  })
}
