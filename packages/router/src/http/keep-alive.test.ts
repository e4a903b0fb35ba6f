import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { createKeepAlive } from './keep-alive.js'

beforeEach(() => vi.useFakeTimers())
afterEach(() => vi.useRealTimers())

const open = (keep = createKeepAlive(1_000)) => {
  const stream = { quietTicks: 0, keepAlive: vi.fn(), end: vi.fn() }
  keep.streams.add(stream)
  return { keep, stream }
}

it('comments on a stream each time that it was quiet for the period', () => {
  const { stream } = open()
  vi.advanceTimersByTime(999)
  expect(stream.keepAlive).not.toHaveBeenCalled()
  vi.advanceTimersByTime(1)
  expect(stream.keepAlive).toHaveBeenCalledTimes(1)
  vi.advanceTimersByTime(3_000)
  expect(stream.keepAlive).toHaveBeenCalledTimes(4)
})

it('leaves one alone that speaks', () => {
  const { stream } = open()
  for (let times = 0; times < 20; times++) {
    vi.advanceTimersByTime(800)
    stream.quietTicks = 0
  }
  expect(stream.keepAlive).not.toHaveBeenCalled()
})

it('knows how long each was quiet', () => {
  const { keep, stream } = open()
  vi.advanceTimersByTime(600)
  const { stream: later } = open(keep)
  vi.advanceTimersByTime(400)
  expect([stream, later].map((each) => each.keepAlive.mock.calls.length)).toEqual([1, 0])
})

it('comments on one that fell silent between two looks, never too late', () => {
  const { stream } = open()
  vi.advanceTimersByTime(150)
  stream.quietTicks = 0
  vi.advanceTimersByTime(799)
  expect(stream.keepAlive).not.toHaveBeenCalled()
  vi.advanceTimersByTime(201)
  expect(stream.keepAlive).toHaveBeenCalledTimes(1)
})

it('says nothing on a stream that is gone, nor when it is closed', () => {
  const { keep, stream } = open()
  const { stream: gone } = open(keep)
  keep.streams.delete(gone)
  keep.close()
  vi.advanceTimersByTime(10_000)
  expect([stream, gone].map((each) => each.keepAlive.mock.calls.length)).toEqual([0, 0])
  expect(vi.getTimerCount()).toBe(0)
})
