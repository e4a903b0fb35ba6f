import { newSessionId } from '@mcp-router/core'
import type { BackendName, EndpointId, InstanceId, Session } from '@mcp-router/core'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { lasting, type OpenStore } from './open-store.contract.js'
import type { Store } from './store.js'

/** aSession is portable and fresh; `change` makes it another. */
export const aSession = (change: Partial<Session> = {}): Session => ({
  id: newSessionId(),
  backend: 'weather' as BackendName,
  principal: 'ada',
  downstream: 'http',
  instance: 'router-instance-1' as InstanceId,
  epoch: 0,
  endpoint: 'http://127.0.0.1:8071/mcp' as EndpointId,
  place: 'place-1',
  backendSessionId: '',
  revision: '2025-06-18',
  initialize: '{"clientInfo":{"name":"Zürich ☂"}}',
  loggingLevel: '',
  subscriptions: [],
  lastActive: Date.parse('2025-01-02T03:04:05.678Z'),
  ...change,
})

const a = 'router-instance-1' as InstanceId
const b = 'router-instance-2' as InstanceId

const listed = async (store: Store) => {
  const sessions: Session[] = []
  for await (const session of store.sessions.list()) sessions.push(session)
  return sessions
}

export const describeSessions = (open: OpenStore) => {
  describe('sessions', () => {
    let store: Store

    beforeEach(async () => {
      store = await open(lasting)
    })

    afterEach(() => store.close())

    it('finds what was created, to the last property', async () => {
      const session = aSession({
        downstream: 'sse',
        epoch: 3,
        backendSessionId: 'upstream-1',
        loggingLevel: 'debug',
        subscriptions: ['file:///a,b "c"', 'file:///ü'],
      })
      await store.sessions.create(session)
      expect(await store.sessions.find(session.id)).toEqual(session)
    })

    it('finds nothing under an id that was never created', async () => {
      expect(await store.sessions.find(newSessionId())).toBeUndefined()
    })

    it('restores a record that is gone', async () => {
      const session = aSession({ epoch: 2 })
      expect(await store.sessions.restore(session)).toBe('restored')
      expect(await store.sessions.find(session.id)).toEqual(session)
    })

    it('restores none that is there, whatever its epoch', async () => {
      const session = aSession({ epoch: 2 })
      await store.sessions.create(session)
      expect(await store.sessions.restore({ ...session, epoch: 1 })).toBe('there')
      expect(await store.sessions.find(session.id)).toEqual(session)
    })

    it('restores none that was deleted, until it is created anew', async () => {
      const session = aSession()
      await store.sessions.create(session)
      await store.sessions.delete(session.id)
      expect(await store.sessions.restore(session)).toBe('ended')
      expect(await store.sessions.find(session.id)).toBeUndefined()
      await store.sessions.create(session)
      expect(await store.sessions.restore(session)).toBe('there')
    })

    it('replaces a record that is created again', async () => {
      const session = aSession({ subscriptions: ['file:///a'] })
      await store.sessions.create(session)
      await store.sessions.create({ ...session, subscriptions: [] })
      expect(await store.sessions.find(session.id)).toEqual({ ...session, subscriptions: [] })
    })

    it('changes only what an update names', async () => {
      const session = aSession({ epoch: 2, loggingLevel: 'info' })
      const change = { backendSessionId: 'upstream-2', subscriptions: ['file:///a'] }
      await store.sessions.create(session)
      expect(await store.sessions.update(session.id, 2, change)).toBe(true)
      expect(await store.sessions.find(session.id)).toEqual({ ...session, ...change })
    })

    it('takes an update that names nothing', async () => {
      const session = aSession()
      await store.sessions.create(session)
      expect(await store.sessions.update(session.id, 0, {})).toBe(true)
      expect(await store.sessions.find(session.id)).toEqual(session)
    })

    it('refuses an update from an epoch that is over, and writes nothing', async () => {
      const session = aSession({ epoch: 2 })
      await store.sessions.create(session)
      expect(await store.sessions.update(session.id, 1, { loggingLevel: 'debug' })).toBe(false)
      expect(await store.sessions.find(session.id)).toEqual(session)
    })

    it('refuses an update of a record that is gone, and does not bring it back', async () => {
      const { id } = aSession()
      expect(await store.sessions.update(id, 0, { loggingLevel: 'debug' })).toBe(false)
      expect(await store.sessions.find(id)).toBeUndefined()
    })

    it('touches many and answers in their order', async () => {
      const [kept, superseded] = [aSession(), aSession({ epoch: 5 })]
      await store.sessions.create(kept)
      await store.sessions.create(superseded)
      const touches = [
        { id: superseded.id, epoch: 4 },
        { id: newSessionId(), epoch: 0 },
        { id: kept.id, epoch: 0 },
      ]
      const outcomes = await store.sessions.touch(touches, 1_700_000_000_123)
      expect(outcomes).toEqual(['superseded', 'gone', 'kept'])
      expect(await store.sessions.find(kept.id)).toEqual({ ...kept, lastActive: 1_700_000_000_123 })
      expect(await store.sessions.find(superseded.id)).toEqual(superseded)
    })

    it('touches none when asked for none', async () => {
      expect(await store.sessions.touch([], Date.now())).toEqual([])
    })

    it('lets one of two claimants win, and counts the epoch up', async () => {
      const session = aSession({ epoch: 1 })
      await store.sessions.create(session)
      const claims = await Promise.all([
        store.sessions.claim(session.id, 1, a),
        store.sessions.claim(session.id, 1, b),
      ])
      const [winner, ...others] = claims.filter((claim) => claim !== undefined)
      expect(others).toEqual([])
      expect(winner).toEqual({ ...session, epoch: 2, instance: winner!.instance })
      expect(await store.sessions.find(session.id)).toEqual(winner)
      expect(await store.sessions.touch([{ id: session.id, epoch: 1 }], 1)).toEqual(['superseded'])
    })

    it('lets nobody claim a record that is gone', async () => {
      expect(await store.sessions.claim(newSessionId(), 0, a)).toBeUndefined()
    })

    it('deletes once', async () => {
      const session = aSession()
      await store.sessions.create(session)
      expect(await store.sessions.delete(session.id)).toBe(true)
      expect(await store.sessions.delete(session.id)).toBe(false)
      expect(await store.sessions.find(session.id)).toBeUndefined()
    })

    it('lists every session once', async () => {
      const sessions = Array.from({ length: 1_200 }, () => aSession())
      await Promise.all(sessions.map((session) => store.sessions.create(session)))
      const ids = (await listed(store)).map((session) => session.id)
      expect(ids.toSorted()).toEqual(sessions.map((session) => session.id).toSorted())
    })
  })

  describe('the life of a session', () => {
    let store: Store

    beforeEach(async () => {
      store = await open({ ...lasting, sessionTtlMs: 600 })
    })

    afterEach(() => store.close())

    it('ends when nobody touches it', async () => {
      const session = aSession()
      await store.sessions.create(session)
      await vi.waitUntil(async () => !(await store.sessions.find(session.id)), { timeout: 5_000 })
      expect(await listed(store)).toEqual([])
      expect(await store.sessions.delete(session.id)).toBe(false)
      expect(await store.sessions.claim(session.id, 0, a)).toBeUndefined()
      expect(await store.sessions.touch([{ id: session.id, epoch: 0 }], 1)).toEqual(['gone'])
    })

    it('goes on while somebody does', async () => {
      const session = aSession()
      await store.sessions.create(session)
      const later = Date.now() + 1_000
      const isOver = async () => {
        const touches = [{ id: session.id, epoch: 0 }]
        expect(await store.sessions.touch(touches, Date.now())).toEqual(['kept'])
        return Date.now() > later
      }
      await vi.waitUntil(isOver, { timeout: 5_000, interval: 20 })
      expect(await store.sessions.find(session.id)).toBeDefined()
    })

    it('is not prolonged by an update or a claim', async () => {
      const session = aSession()
      await store.sessions.create(session)
      const isGone = async () => {
        const record = await store.sessions.find(session.id)
        if (!record) return true
        await store.sessions.update(session.id, record.epoch, { loggingLevel: 'debug' })
        await store.sessions.claim(session.id, record.epoch, b)
        return false
      }
      await vi.waitUntil(isGone, { timeout: 5_000, interval: 20 })
    })
  })
}
