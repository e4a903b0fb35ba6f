import { describe, expect, it } from 'vitest'
import { Chain } from './chain.js'
import type { Link } from './chain.js'

class Ring implements Link {
  previous: Link | undefined
  next: Link | undefined
  readonly name: string
  constructor(name: string) {
    this.name = name
  }
}

const open = (...names: string[]) => {
  const chain = new Chain<Ring>()
  const rings = names.map((name) => new Ring(name))
  for (const ring of rings) chain.add(ring)
  return { chain, rings, names: () => [...chain].map(({ name }) => name) }
}

describe('a chain', () => {
  it('has its members, the last one added first', () => {
    expect(open('a', 'b', 'c').names()).toEqual(['c', 'b', 'a'])
    expect(open().names()).toEqual([])
  })

  it.each([0, 1, 2])('lets go of member %d wherever it stands', (at) => {
    const { chain, rings, names } = open('a', 'b', 'c')
    chain.remove(rings[at]!)
    expect(names()).toEqual(['c', 'b', 'a'].filter((name) => name !== rings[at]!.name))
  })

  it('takes the removal of one that is not in it, or no more, for done', () => {
    const { chain, rings, names } = open('a', 'b', 'c')
    chain.remove(new Ring('d'))
    chain.remove(rings[1]!)
    chain.remove(rings[1]!)
    expect(names()).toEqual(['c', 'a'])
  })

  it('takes a member back', () => {
    const { chain, rings, names } = open('a', 'b')
    chain.remove(rings[0]!)
    chain.add(rings[0]!)
    expect(names()).toEqual(['a', 'b'])
  })

  it('can be emptied while it is walked', () => {
    const { chain, names } = open('a', 'b', 'c')
    const walked: string[] = []
    for (const ring of chain) {
      walked.push(ring.name)
      chain.remove(ring)
    }
    expect([walked, names()]).toEqual([['c', 'b', 'a'], []])
  })

  it('may grow while it is walked', () => {
    const { chain, names } = open('a', 'b')
    for (const ring of chain) if (ring.name === 'b') chain.add(new Ring('c'))
    expect(names()).toEqual(['c', 'b', 'a'])
  })
})
