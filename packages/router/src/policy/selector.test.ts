import { RouterError } from '@mcp-router/core'
import { backendOf, httpEndpoint } from '@mcp-router/testkit/backend'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { createSelector } from './selector.js'

const [a, b, spare] = [httpEndpoint('a'), httpEndpoint('b'), httpEndpoint('spare', 0)]
const backend = backendOf('weather', [a, b, spare])

beforeEach(() => vi.useFakeTimers())
afterEach(() => vi.useRealTimers())

const select = (selector = createSelector(), count = 4) =>
  Array.from({ length: count }, () => selector.select(backend).id as string)

describe('the selector', () => {
  it('takes turns, and leaves out what has no weight', () => {
    expect(select()).toEqual(['a', 'b', 'a', 'b'])
  })

  it('waits for one that has just gone, and for each attempt no longer than its patience', async () => {
    const selector = createSelector(1_000)
    const [attempt, other] = [{}, {}]
    const mayReturn = async (who: object) => {
      const may = selector.mayReturn(backend, who)
      await vi.advanceTimersByTimeAsync(500)
      return may
    }
    selector.failed(a)
    expect([await mayReturn(attempt), await mayReturn(attempt)]).toEqual([true, true])
    // It works for others, and fails for this one again.
    selector.worked(a)
    selector.failed(a)
    await vi.advanceTimersByTimeAsync(1)
    expect([await mayReturn(attempt), await mayReturn(other)]).toEqual([false, true])
  })

  it('goes on where one has worked for others since', async () => {
    const selector = createSelector(1_000)
    selector.failed(a)
    selector.failed(b)
    await vi.advanceTimersByTimeAsync(2_000)
    selector.worked(a)
    const may = selector.mayReturn(backend, {})
    await vi.advanceTimersByTimeAsync(500)
    expect(await may).toBe(true)
  })

  it('lets an endpoint rest that failed, and tries it again after that', () => {
    const selector = createSelector()
    selector.failed(a)
    expect([selector.isDown(a), select(selector)]).toEqual([true, ['b', 'b', 'b', 'b']])
    vi.advanceTimersByTime(499)
    expect(selector.isDown(a)).toBe(true)
    vi.advanceTimersByTime(1)
    expect(selector.isDown(a)).toBe(false)
    expect(select(selector)).toContain('a')
  })

  it('lets it rest longer each time, for ten seconds at most', () => {
    const selector = createSelector()
    const rests = Array.from({ length: 7 }, () => {
      selector.failed(a)
      let restMs = 0
      for (; selector.isDown(a); restMs += 100) vi.advanceTimersByTime(100)
      return restMs
    })
    expect(rests).toEqual([500, 1_000, 2_000, 4_000, 8_000, 10_000, 10_000])
  })

  it('forgets the failures of one that worked', () => {
    const selector = createSelector()
    selector.failed(a)
    selector.failed(a)
    selector.worked(a)
    expect(selector.isDown(a)).toBe(false)
    selector.failed(a)
    vi.advanceTimersByTime(500)
    expect(selector.isDown(a)).toBe(false)
  })

  it('knows the state of an endpoint from what became of its calls', () => {
    const selector = createSelector()
    expect(selector.stateOf(a)).toBe('unknown')
    selector.failed(a)
    vi.advanceTimersByTime(60_000)
    // It gets work again, but has not served any.
    expect([selector.isDown(a), selector.stateOf(a)]).toEqual([false, 'down'])
    selector.worked(a)
    expect([selector.stateOf(a), selector.stateOf(b)]).toEqual(['up', 'unknown'])
  })

  it('tries those that failed when there is no other', () => {
    const selector = createSelector()
    selector.failed(a)
    selector.failed(b)
    expect(new Set(select(selector))).toEqual(new Set(['a', 'b']))
  })

  it('offers none twice for one call', () => {
    const selector = createSelector()
    expect(selector.select(backend, new Set([a]))).toBe(b)
    expect(() => selector.select(backend, new Set([a, b]))).toThrow(RouterError)
  })

  it('has nothing for a backend without endpoints that take work', () => {
    const selector = createSelector()
    const idle = backendOf('idle', [spare])
    expect(() => selector.select(idle)).toThrow('No endpoint of server "idle"')
    expect(() => selector.select(backendOf('none', []))).toThrow(RouterError)
  })

  it('keeps the turns of two backends apart', () => {
    const selector = createSelector()
    const other = backendOf('other', [a, b])
    selector.select(backend)
    expect(selector.select(other)).toBe(a)
    expect(selector.select(backend)).toBe(b)
  })
})
