import { beforeEach, expect, it, onTestFinished, vi } from 'vitest'
import type { SessionEntry } from '../sessions/entry.js'
import { awaitReturn, emitReturn } from './return.js'

const held = (streams = 0): SessionEntry => ({ streams }) as SessionEntry

beforeEach(() => {
  vi.useFakeTimers()
  onTestFinished(() => void vi.useRealTimers())
})

it('a client that has a stream is not waited for', () => {
  expect(awaitReturn(held(1))).toBe('here')
})

it('a client that does not come back is waited for 20 s', async () => {
  const came = vi.fn()
  void Promise.resolve(awaitReturn(held())).then(came)
  await vi.advanceTimersByTimeAsync(19_900)
  expect(came).not.toHaveBeenCalled()
  await vi.advanceTimersByTimeAsync(200)
  expect(came).toHaveBeenCalledWith('late')
})

it('all who wait are told of a client that comes back', async () => {
  const session = held()
  const waiting = [1, 2].map(async () => awaitReturn(session))
  await vi.advanceTimersByTimeAsync(5_000)
  emitReturn(session)
  expect(await Promise.all(waiting)).toEqual(['here', 'here'])
})

it('an instance that stood still waits on: its client may have come meanwhile', async () => {
  // Real timers, whose clock is moved on: all that fell due meanwhile fires once.
  vi.useRealTimers()
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval', 'setTimeout', 'clearTimeout'] })
  const session = held()
  const came = vi.fn()
  void Promise.resolve(awaitReturn(session)).then(came)
  vi.advanceTimersToNextTimer()
  await Promise.resolve()
  expect(came).not.toHaveBeenCalled()
  emitReturn(session)
  await expect.poll(() => came.mock.calls, { timeout: 100 }).toEqual([['here']])
})
