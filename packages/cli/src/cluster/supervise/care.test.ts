import { describe, expect, it } from 'vitest'
import { delayOf, healthyMs, isDue, observed, restarted, untouched } from './care.js'

const running = (pid: number) => ({ kind: 'running', pid, since: 0 }) as const
const stale = { kind: 'stale', pid: 1 } as const

describe('the back-off', () => {
  it('doubles from half a second and never exceeds a minute', () => {
    expect([1, 2, 3, 7, 8, 1_000].map(delayOf)).toEqual([500, 1_000, 2_000, 32_000, 60_000, 60_000])
  })

  it('grows with every exit in a row', () => {
    let care = observed(untouched, running(1), 0)
    const delays: number[] = []
    for (let now = 1_000; delays.length < 4; now += 1_000) {
      care = observed(care, stale, now, 'exited with code 1')
      delays.push((care.nextTryAt ?? 0) - now)
      care = restarted(care, 2, now)
    }
    expect(delays).toEqual([500, 1_000, 2_000, 4_000])
    expect(care).toMatchObject({ restarts: 4, lastExit: { how: 'exited with code 1' } })
  })

  it('starts again after a healthy period', () => {
    let care = restarted({ restarts: 3, failures: 9, nextTryAt: 0 }, 7, 0)
    care = observed(care, running(7), 1_000)
    expect(care.failures).toBe(9)
    expect(observed(care, running(7), healthyMs).failures).toBe(0)
    // Also where nobody looked between the end of that period and the exit.
    expect(observed(care, stale, healthyMs)).toMatchObject({ failures: 1, restarts: 4 })
  })

  it('starts again when the operator started the process', () => {
    const care = { restarts: 3, failures: 9, nextTryAt: 50_000, lastExit: { at: 1 } }
    expect(observed(care, running(8), 10_000)).toMatchObject({ restarts: 3, failures: 0, pid: 8 })
    expect(observed(care, running(8), 10_000).nextTryAt).toBeUndefined()
  })

  it('counts a process that could not be spawned as another exit', () => {
    const first = observed(untouched, stale, 0)
    const again = observed(restarted(first, undefined, 500), stale, 500)
    expect(again).toMatchObject({ failures: 2, restarts: 1, nextTryAt: 1_500 })
  })
})

describe('an attempt', () => {
  it('is due once its time has come, not before', () => {
    const care = observed(untouched, stale, 1_000)
    expect([1_000, 1_499, 1_500].map((now) => isDue(care, now))).toEqual([false, false, true])
    expect(isDue(observed(untouched, running(1), 0), 99_999)).toBe(false)
  })

  it('does not wait for a clock that was set back', () => {
    expect(isDue(observed(untouched, stale, 3_600_000), 0)).toBe(true)
  })

  it('is not due once the process was stopped', () => {
    const care = observed(untouched, stale, 0)
    expect(observed(care, { kind: 'none' }, 500)).toEqual(untouched)
  })

  it('keeps its time while the process is gone', () => {
    const care = observed(untouched, stale, 0)
    expect(observed(care, stale, 400)).toBe(care)
  })
})
