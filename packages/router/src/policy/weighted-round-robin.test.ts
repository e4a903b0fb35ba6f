import { httpEndpoint } from '@mcp-router/testkit/backend'
import { describe, expect, it } from 'vitest'
import { weightedRoundRobin } from './weighted-round-robin.js'

const [a, b, c] = [httpEndpoint('a', 3), httpEndpoint('b', 1), httpEndpoint('c', 2)]

const picks = (count: number, endpoints = [a, b]) => {
  const policy = weightedRoundRobin()
  return Array.from({ length: count }, () => policy(endpoints).id as string)
}

const countOf = (ids: readonly string[], id: string) => ids.filter((each) => each === id).length

describe('weighted round robin', () => {
  it('gives each endpoint exactly its share', () => {
    const ids = picks(400)
    expect([countOf(ids, 'a'), countOf(ids, 'b')]).toEqual([300, 100])
  })

  it('interleaves them, instead of one after the other', () => {
    expect(picks(8)).toEqual(['a', 'a', 'b', 'a', 'a', 'a', 'b', 'a'])
  })

  it('shares among three', () => {
    const ids = picks(600, [a, b, c])
    expect(['a', 'b', 'c'].map((id) => countOf(ids, id))).toEqual([300, 100, 200])
  })

  it('takes the only one', () => {
    expect(picks(2, [b])).toEqual(['b', 'b'])
  })

  it('finds back to the shares after one was away', () => {
    const policy = weightedRoundRobin()
    for (let n = 0; n < 50; n++) policy([a, c])
    const ids = Array.from({ length: 600 }, () => policy([a, b, c]).id as string)
    expect(countOf(ids, 'b')).toBeGreaterThanOrEqual(99)
    expect(countOf(ids, 'b')).toBeLessThanOrEqual(101)
  })
})
