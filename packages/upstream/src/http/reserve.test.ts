import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { createReserve, OutOfDescriptors } from './reserve.js'

beforeEach(() => vi.useFakeTimers())
afterEach(() => vi.useRealTimers())

/** A process that may have `free` more descriptors. */
const open = (free = 4) => {
  const process = { free }
  const reserve = createReserve({
    count: 3,
    open() {
      if (process.free === 0) throw new OutOfDescriptors()
      return process.free--
    },
    close() {
      process.free++
    },
  })
  return { process, reserve }
}

describe('the reserve of descriptors', () => {
  it('is held from the start', () => {
    const { process, reserve } = open()
    expect([process.free, reserve.mayConnect()]).toEqual([1, true])
  })

  it('is released where a connection found none, and nothing connects meanwhile', () => {
    const { process, reserve } = open()
    process.free = 0
    reserve.failed(new Error('refused'))
    expect([process.free, reserve.mayConnect()]).toEqual([0, true])
    reserve.failed(new OutOfDescriptors())
    expect([process.free, reserve.mayConnect()]).toEqual([3, false])
  })

  it('is taken back whole, once there is enough again', () => {
    const { process, reserve } = open()
    reserve.failed(new OutOfDescriptors())
    process.free = 2
    vi.advanceTimersByTime(20)
    expect([process.free, reserve.mayConnect(), process.free]).toEqual([2, false, 2])
    process.free = 3
    expect(reserve.mayConnect()).toBe(false)
    vi.advanceTimersByTime(20)
    expect([reserve.mayConnect(), process.free]).toEqual([true, 0])
  })

  it('is given up with the process', () => {
    const { process, reserve } = open()
    reserve.close()
    expect(process.free).toBe(4)
  })
})
