import type { InstanceId, Session } from '@mcp-router/core'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { ada, aLive, aSession, command, openSessions as open } from './sessions.fixture.js'

beforeEach(() => vi.useFakeTimers())
afterEach(() => vi.useRealTimers())

describe('touching', () => {
  it('is done once per session and period, however often it is used', async () => {
    const { sessions, touched, periods } = open()
    const [one, other] = [aSession(), aSession()]
    await sessions.open(one)
    await sessions.open(other)
    for (let uses = 0; uses < 1_000; uses++) sessions.cached(one.id, ada, 'weather')
    await periods(1)
    expect(touched()).toEqual([one.id, other.id])
    sessions.cached(one.id, ada, 'weather')
    await periods(1)
    expect(touched()).toEqual([one.id, other.id, one.id])
  })

  it('is done at once where another instance may have taken sessions over', async () => {
    const { sessions, touched } = open()
    const one = aSession()
    await sessions.open(one)
    await sessions.revalidate()
    expect(touched()).toEqual([one.id])
  })

  it('is not done for a session that nobody uses', async () => {
    const { sessions, touch, periods } = open()
    await sessions.open(aSession())
    await periods(5)
    expect(touch).toHaveBeenCalledTimes(1)
  })

  it('goes on while a stream is open', async () => {
    const { sessions, touched, periods } = open()
    const held = await sessions.open(aSession())
    held.streams++
    await periods(20)
    expect(touched()).toHaveLength(20)
    expect(sessions.size()).toBe(1)
  })

  it('takes many sessions in few round trips', async () => {
    const { sessions, touch, periods } = open()
    for (let n = 0; n < 1_200; n++) await sessions.open(aSession())
    await periods(1)
    expect(touch.mock.calls.map(([touches]) => touches.length)).toEqual([500, 500, 200])
  })

  it('keeps the record alive beyond its time', async () => {
    const { store, sessions, periods } = open()
    const session = aSession()
    await sessions.open(session)
    for (let times = 0; times < 20; times++) {
      sessions.cached(session.id, ada, 'weather')
      await periods(1)
    }
    expect(await store.sessions.find(session.id)).toBeDefined()
  })

  it('that fails drops nothing, and is done again the next time', async () => {
    const { sessions, touch, periods } = open()
    const session = aSession()
    await sessions.open(session)
    touch.mockRejectedValueOnce(new Error('the store is away'))
    await periods(1)
    expect(sessions.held(session.id)).toBeDefined()
    await periods(1)
    expect(touch).toHaveBeenCalledTimes(2)
  })
})

describe('a session is let go', () => {
  it('when its record is gone', async () => {
    const { store, sessions, told, periods } = open()
    const { live, isClosed } = aLive()
    const session = aSession({ epoch: 1, endpoint: command.id })
    await sessions.open(session, live)
    await store.sessions.delete(session.id)
    await periods(1)
    expect([sessions.held(session.id), isClosed()]).toEqual([undefined, true])
    expect(told()).toEqual(['opened', 'expired'])
  })

  it('when another instance has claimed it', async () => {
    const { store, sessions, periods } = open()
    const { live, isClosed } = aLive()
    const session = aSession({ epoch: 1, endpoint: command.id })
    await sessions.open(session, live)
    await store.sessions.claim(session.id, 1, 'router-instance-2' as InstanceId)
    await periods(1)
    expect([sessions.held(session.id), isClosed()]).toEqual([undefined, true])
    expect(await store.sessions.find(session.id)).toMatchObject({ epoch: 2 })
  })

  it('when a change of its record is refused', async () => {
    const { store, sessions } = open()
    const held = await sessions.open(aSession({ epoch: 1, endpoint: command.id }))
    await store.sessions.claim(held.record.id, 1, 'router-instance-2' as InstanceId)
    await sessions.change(held, { loggingLevel: 'debug' })
    expect(sessions.held(held.record.id)).toBeUndefined()
  })

  it('when nobody used it for its whole life: what it held is closed', async () => {
    const { sessions, told, periods } = open()
    const { live, isClosed } = aLive()
    await sessions.open(aSession({ epoch: 1, endpoint: command.id }), live)
    await periods(12)
    expect([sessions.size(), isClosed()]).toEqual([1, false])
    await periods(2)
    expect([sessions.size(), isClosed(), told()]).toEqual([0, true, ['opened', 'expired']])
  })

  it('when another instance ended it', async () => {
    const { sessions } = open()
    const { live, isClosed } = aLive()
    const { record } = await sessions.open(aSession({ epoch: 1, endpoint: command.id }), live)
    await sessions.forget(record.id)
    expect([sessions.held(record.id), isClosed()]).toEqual([undefined, true])
  })

  it('when it is ended here, and everybody is told', async () => {
    const { store, sessions, sessionEnded, told } = open()
    const held = await sessions.open(aSession())
    await sessions.end(held)
    expect(await store.sessions.find(held.record.id)).toBeUndefined()
    expect(sessionEnded).toHaveBeenCalledExactlyOnceWith(held.record.id)
    expect(told()).toEqual(['opened', 'closed'])
  })
})

describe('finding', () => {
  it('asks the store once, and then remembers', async () => {
    const { store, sessions, find } = open()
    const session = aSession()
    await store.sessions.create(session)
    expect(sessions.cached(session.id, ada, 'weather')).toBeUndefined()
    const [first, second] = await Promise.all([
      sessions.find(session.id, ada, 'weather'),
      sessions.find(session.id, ada, 'weather'),
    ])
    expect(second).toBe(first)
    expect(sessions.cached(session.id, ada, 'weather')).toBe(first)
    find.mockClear()
    expect(await sessions.find(session.id, ada, '')).toBe(first)
    expect(find).not.toHaveBeenCalled()
  })

  it.each([
    ['of another principal', { principal: 'eve' }],
    ['of another backend', { backend: 'other' as Session['backend'] }],
    ['whose backend is no longer configured', { backend: 'gone' as Session['backend'] }],
  ])('does not find one %s', async (_, change) => {
    const { store, sessions } = open()
    const session = aSession(change)
    await store.sessions.create(session)
    const finding = sessions.find(session.id, ada, 'weather')
    await expect(finding).rejects.toMatchObject({ code: 'SESSION_NOT_FOUND' })
    expect(sessions.cached(session.id, ada, 'weather')).toBeUndefined()
  })

  it('does not ask the store for what cannot be an id', async () => {
    const { sessions, find } = open()
    const finding = sessions.find('two words', ada, 'weather')
    await expect(finding).rejects.toMatchObject({ code: 'SESSION_NOT_FOUND' })
    expect(find).not.toHaveBeenCalled()
  })
})

const portable = aSession()

describe('a store that was emptied', () => {
  it('gets back what is in use here, as it was last', async () => {
    const { store, sessions, periods, empty, told } = open()
    const held = await sessions.open(portable)
    await periods(1)
    await sessions.change(held, { loggingLevel: 'debug' })
    empty()
    sessions.cached(portable.id, { name: portable.principal }, portable.backend)
    await periods(1)
    expect(await store.sessions.find(portable.id)).toMatchObject({ loggingLevel: 'debug' })
    expect([told(), sessions.size()]).toEqual([['opened', 'restored'], 1])
  })

  it('gets it back with the next change already', async () => {
    const { store, sessions, periods, empty } = open()
    const held = await sessions.open(portable)
    await periods(1)
    empty()
    await sessions.change(held, { loggingLevel: 'info' })
    expect(await store.sessions.find(portable.id)).toMatchObject({ loggingLevel: 'info' })
  })

  it('is told from one whose session was deleted', async () => {
    const { store, sessions, periods } = open()
    await sessions.open(portable)
    await periods(1)
    await store.sessions.delete(portable.id)
    sessions.cached(portable.id, { name: portable.principal }, portable.backend)
    await periods(1)
    expect(await store.sessions.find(portable.id)).toBeUndefined()
    expect(sessions.size()).toBe(0)
  })
})
