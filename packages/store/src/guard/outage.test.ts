import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { createOutage } from './outage.js'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

it('an outage lasts from its first failure to its end', () => {
  const outage = createOutage()
  expect(outage.lastedMs()).toBe(0)
  vi.advanceTimersByTime(3_000)
  expect(outage.lastedMs()).toBe(3_000)
  vi.advanceTimersByTime(3_000)
  expect(outage.lastedMs()).toBe(6_000)
  outage.end()
  vi.advanceTimersByTime(1_000)
  expect(outage.lastedMs()).toBe(0)
  outage.end()
})

it('a failure long after the one before begins another: the store may have been back', () => {
  const outage = createOutage()
  outage.lastedMs()
  vi.advanceTimersByTime(60_000)
  expect(outage.lastedMs()).toBe(0)
  outage.end()
})

it.each([true, false])(
  'time in which the process stood still is no part of it (a tick came first: %s)',
  (isTicked) => {
    const outage = createOutage()
    outage.lastedMs()
    vi.advanceTimersByTime(3_000)
    const now = performance.now()
    // Nothing ran meanwhile.
    vi.spyOn(performance, 'now').mockImplementation(() => now + 17_000)
    if (isTicked) vi.advanceTimersByTime(250)
    expect(outage.lastedMs()).toBe(0)
    outage.end()
  },
)
