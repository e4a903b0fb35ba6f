import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { ada, aLive, aSession, openSessions as open, sessionTtlMs } from './sessions.fixture.js'

type Opened = ReturnType<typeof open>
type Entry = Awaited<ReturnType<Opened['sessions']['open']>>

beforeEach(() => vi.useFakeTimers())
afterEach(() => vi.useRealTimers())

describe('a clock that is set forward beyond the life of all sessions', () => {
  const step = () => vi.setSystemTime(Date.now() + 2 * sessionTtlMs)

  it('ends none that is in use here, with its stream or without', async () => {
    const { store, sessions, periods, told } = open()
    const [streaming, used] = [aSession(), aSession()]
    ;(await sessions.open(streaming)).streams++
    await sessions.open(used)
    await periods(2)
    step()
    expect(await store.sessions.find(streaming.id)).toBeUndefined()
    await periods(1)
    for (const { id } of [streaming, used])
      expect(await store.sessions.find(id)).toMatchObject({ id })
    expect([sessions.size(), told().slice(2)]).toEqual([2, ['restored', 'restored']])
    // What nobody uses from then on still ends when its life is over.
    await periods(14)
    expect([sessions.held(streaming.id), sessions.held(used.id)]).toEqual([
      expect.anything(),
      undefined,
    ])
  })

  it('keeps another instance waiting until it is written again', async () => {
    const { sessions, start, periods } = open()
    const other = start('router-instance-2')
    const session = aSession()
    ;(await sessions.open(session)).streams++
    await periods(1)
    step()
    const finding = other.find(session.id, ada, 'weather')
    await periods(2)
    expect((await finding).record).toMatchObject({ id: session.id })
  })

  it('restores none that was ended', async () => {
    const { store, sessions, start, periods } = open()
    const other = start('router-instance-2')
    const session = aSession()
    ;(await sessions.open(session)).streams++
    await other.end(await other.find(session.id, ada, 'weather'))
    await periods(1)
    expect(await store.sessions.find(session.id)).toBeUndefined()
    expect([sessions.size(), other.size()]).toEqual([0, 0])
  })
})

describe('a record that is gone though nobody ended its session', () => {
  it.each([
    ['is touched', ({ periods }: Opened) => periods(1)],
    ['is changed', ({ sessions }: Opened, held: Entry) => sessions.change(held, {})],
    ['is read anew', ({ sessions }: Opened, held: Entry) => sessions.refresh(held)],
    ['is claimed', ({ sessions }: Opened, held: Entry) => sessions.claim(held, aLive().live, '')],
  ])('is written again when it %s', async (_, act) => {
    const opened = open()
    const { store, sessions, expire } = opened
    const held = await sessions.open(aSession())
    held.streams++
    expire()
    await act(opened, held)
    expect(await store.sessions.find(held.record.id)).toMatchObject({ id: held.record.id })
    expect(sessions.size()).toBe(1)
  })
})
