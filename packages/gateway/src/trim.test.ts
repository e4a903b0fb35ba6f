import { getHeapStatistics } from 'node:v8'
import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest'
import { startTrim } from './trim.js'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

const mib = 2 ** 20
const usedMib = () => getHeapStatistics().used_heap_size / mib

/** Leaves some 60 MiB behind, old enough that only a full collection takes it. */
const litter = () => {
  const rows = Array.from({ length: 500_000 }, (_, at) => ({ at, text: `row ${at}` }))
  return rows.length
}

const start = (activity: () => number) => {
  const trim = startTrim({ activity })
  onTestFinished(() => trim.close())
}

describe('what a busy time left on the heap', () => {
  it('is given back once no call came for a while', () => {
    start(() => 1)
    litter()
    const before = usedMib()
    vi.advanceTimersByTime(10_000)
    expect(before - usedMib()).toBeGreaterThan(20)
  })

  it('stays while calls come', () => {
    let calls = 0
    start(() => calls++)
    litter()
    const before = usedMib()
    vi.advanceTimersByTime(20_000)
    expect(before - usedMib()).toBeLessThan(20)
  })
})
