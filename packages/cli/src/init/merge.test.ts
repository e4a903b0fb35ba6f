import { describe, expect, it } from 'vitest'
import { mergeServers } from './merge.js'

describe('servers of several files', () => {
  it('keep their names, and a second one of a name gets one of its own', () => {
    const merged = mergeServers([{ a: 1, b: 2 }, { a: 3 }, { a: 4 }])
    expect(merged.servers).toEqual({ a: 1, b: 2, 'a-2': 3, 'a-3': 4 })
    expect(merged.renamed).toEqual([
      ['a', 'a-2'],
      ['a', 'a-3'],
    ])
  })

  it('are taken once where they are the same', () => {
    const merged = mergeServers([{ a: { url: 'x' } }, { a: { url: 'x' } }, { a: 1 }, { a: 1 }])
    expect(merged.servers).toEqual({ a: { url: 'x' }, 'a-2': 1 })
    expect(merged.renamed).toEqual([['a', 'a-2']])
  })
})
