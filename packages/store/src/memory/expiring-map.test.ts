import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { createExpiringMap } from './expiring-map.js'
import { memoryStore } from './store.js'

describe('an expiring map', () => {
  beforeEach(() => vi.useFakeTimers())
  afterEach(() => vi.useRealTimers())

  it('hides an entry from the moment it expires', () => {
    const map = createExpiringMap<string, number>(100)
    map.put('a', 1)
    vi.advanceTimersByTime(99)
    expect(map.get('a')).toBe(1)
    vi.advanceTimersByTime(1)
    expect(map.get('a')).toBeUndefined()
    expect(map.values()).toEqual([])
    expect(map.delete('a')).toBe(false)
  })

  it('does not let an amendment prolong or revive an entry', () => {
    const map = createExpiringMap<string, number>(100)
    map.put('a', 1)
    vi.advanceTimersByTime(60)
    map.amend('a', 2)
    expect(map.get('a')).toBe(2)
    vi.advanceTimersByTime(40)
    map.amend('a', 3)
    expect(map.get('a')).toBeUndefined()
  })

  it('frees what expired when it is swept', () => {
    const map = createExpiringMap<string, number>(100)
    map.put('a', 1)
    vi.advanceTimersByTime(50)
    map.put('b', 2)
    vi.advanceTimersByTime(50)
    map.sweep()
    expect(map.size()).toBe(1)
    expect(map.values()).toEqual([2])
  })

  it('leaves no timer behind when its store is closed', async () => {
    const store = memoryStore({ sessionTtlMs: 100, leaseMs: 100 })
    expect(vi.getTimerCount()).toBe(1)
    await store.close()
    expect(vi.getTimerCount()).toBe(0)
  })
})
