import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { createDeadlines } from './deadlines.js'

beforeEach(() => vi.useFakeTimers())
afterEach(() => vi.useRealTimers())

const timed = (ms: number) => ({
  dueAt: performance.now() + ms,
  onDue: vi.fn(),
  previous: undefined,
  next: undefined,
})

it('ends each within a moment of its time, once', () => {
  const deadlines = createDeadlines()
  const [soon, later] = [timed(100), timed(1_000)]
  deadlines.add(later)
  deadlines.add(soon)
  vi.advanceTimersByTime(99)
  expect(soon.onDue).not.toHaveBeenCalled()
  vi.advanceTimersByTime(51)
  expect([soon, later].map((each) => each.onDue.mock.calls.length)).toEqual([1, 0])
  vi.advanceTimersByTime(10_000)
  expect([soon, later].map((each) => each.onDue.mock.calls.length)).toEqual([1, 1])
})

it('leaves alone what was over before', () => {
  const deadlines = createDeadlines()
  const call = timed(100)
  deadlines.add(call)
  deadlines.remove(call)
  vi.advanceTimersByTime(1_000)
  expect(call.onDue).not.toHaveBeenCalled()
})

it('leaves no timer behind', () => {
  createDeadlines().close()
  expect(vi.getTimerCount()).toBe(0)
})
