import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { Gate } from './gate.js'

beforeEach(() => vi.useFakeTimers())
afterEach(() => vi.useRealTimers())

const connectMs = 10

/** A session that connects as soon as it may, while its server `isUp`. */
const connect = async (gate: Gate, isUp: () => boolean): Promise<void> => {
  const leave = await gate.enter('weather')
  const startedAt = performance.now()
  await new Promise((resolve) => setTimeout(resolve, connectMs))
  if (isUp()) gate.up()
  else gate.down(startedAt)
  leave()
  if (!isUp()) throw new Error('refused')
}

describe('the gate of an endpoint', () => {
  it('lets one session probe while it is down, and all in at once when it is up', async () => {
    const gate = new Gate()
    let up = false
    let attempts = 0
    const isUp = (): boolean => {
      attempts++
      return up
    }
    const all = (count: number) =>
      Promise.allSettled(Array.from({ length: count }, () => connect(gate, isUp)))
    const first = all(1)
    await vi.advanceTimersByTimeAsync(connectMs)
    expect((await first)[0]?.status).toBe('rejected')
    attempts = 0
    const during = all(20)
    await vi.advanceTimersByTimeAsync(2_000)
    expect((await during).every(({ status }) => status === 'rejected')).toBe(true)
    expect(attempts).toBe(2)
    up = true
    const after = all(20)
    await vi.advanceTimersByTimeAsync(2_000 + 2 * connectMs)
    expect((await after).every(({ status }) => status === 'fulfilled')).toBe(true)
  })

  it('waits for 2 s at most, however often it failed', async () => {
    const gate = new Gate()
    for (let failure = 0; failure < 20; failure++) {
      gate.down(performance.now())
      await vi.advanceTimersByTimeAsync(1)
    }
    const entered = vi.fn()
    void gate.enter('weather').then(entered)
    await vi.advanceTimersByTimeAsync(2_000)
    expect(entered).toHaveBeenCalledOnce()
  })

  it('counts those that failed together once', async () => {
    const gate = new Gate()
    const startedAt = performance.now()
    await vi.advanceTimersByTimeAsync(1)
    for (let session = 0; session < 20; session++) gate.down(startedAt)
    const entered = vi.fn()
    void gate.enter('weather').then(entered)
    await vi.advanceTimersByTimeAsync(300)
    expect(entered).toHaveBeenCalledOnce()
  })
})
