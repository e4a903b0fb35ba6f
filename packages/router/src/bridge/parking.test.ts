import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { BridgedCall } from './call.js'
import { createParking } from './parking.js'
import { createSeal } from './seal.js'

beforeEach(() => vi.useFakeTimers())
afterEach(() => vi.useRealTimers())

const bound = { principal: 'ada', backend: 'weather', method: 'tools/call', params: {} }

/** What parking does with a call is to give it up. */
const aCall = () => {
  const giveUp = vi.fn()
  return { call: { giveUp } as unknown as BridgedCall, giveUp }
}

const open = () => {
  const seal = createSeal('secret', 1_000)
  const parking = createParking({ seal, instance: 'router-instance-1', ttlMs: 1_000 })
  const parkedAs = (state: string): string => seal.open(state, bound)?.call ?? ''
  return { parking, parkedAs }
}

describe('a parked call', () => {
  it('is there for one retry', () => {
    const { parking, parkedAs } = open()
    const { call, giveUp } = aCall()
    const id = parkedAs(parking.park(call, bound))
    expect([parking.take(id), parking.take(id), parking.size()]).toEqual([call, undefined, 0])
    vi.advanceTimersByTime(10_000)
    expect(giveUp).not.toHaveBeenCalled()
  })

  it('that waits too long is given up, once', () => {
    const { parking, parkedAs } = open()
    const { call, giveUp } = aCall()
    const id = parkedAs(parking.park(call, bound))
    vi.advanceTimersByTime(999)
    expect(giveUp).not.toHaveBeenCalled()
    vi.advanceTimersByTime(10_000)
    expect(giveUp).toHaveBeenCalledOnce()
    expect(parking.take(id)).toBeUndefined()
  })

  it('that makes room for others is given up, and known to be', () => {
    const { parking, parkedAs } = open()
    const { call, giveUp } = aCall()
    const id = parkedAs(parking.park(call, bound))
    const used = parkedAs(parking.park(aCall().call, bound))
    parking.take(used)
    parking.end(call)
    expect([giveUp.mock.calls.length, parking.take(id), vi.getTimerCount()]).toEqual([
      1,
      undefined,
      0,
    ])
    expect([parking.wasEnded(id), parking.wasEnded(used)]).toEqual([true, false])
  })

  it('is given up when the instance ends, and no timer is left', () => {
    const { parking } = open()
    const { call, giveUp } = aCall()
    parking.park(call, bound)
    parking.close()
    expect([giveUp.mock.calls.length, parking.size(), vi.getTimerCount()]).toEqual([1, 0, 0])
  })

  it('is refused where there are too many', () => {
    const { parking } = open()
    const { call } = aCall()
    for (let n = 0; n < 10_000; n++) parking.park(call, bound)
    expect(() => parking.park(call, bound)).toThrow(
      expect.objectContaining({ code: 'OVERLOADED' }) as Error,
    )
    expect(parking.size()).toBe(10_000)
    parking.close()
  })
})
