import { describe, expect, it } from 'vitest'
import { Chain } from './chain.js'
import type { Link } from './chain.js'

class Member implements Link {
  previous: Link | undefined
  next: Link | undefined
  readonly name: string
  constructor(name: string) {
    this.name = name
  }
}

const names = (chain: Chain<Member>): string => [...chain].map(({ name }) => name).join('')

describe('a chain', () => {
  const [a, b, c] = [new Member('a'), new Member('b'), new Member('c')]

  it('holds what was added until it is removed, in any order', () => {
    const chain = new Chain<Member>()
    for (const member of [a, b, c]) chain.add(member)
    expect(names(chain)).toBe('cba')
    chain.remove(b)
    expect(names(chain)).toBe('ca')
    chain.remove(c)
    chain.add(b)
    expect(names(chain)).toBe('ba')
    chain.remove(a)
    chain.remove(b)
    expect(names(chain)).toBe('')
  })

  it('lets what it hands out be removed meanwhile, and leaves strangers alone', () => {
    const chain = new Chain<Member>()
    for (const member of [a, b]) chain.add(member)
    chain.remove(c)
    for (const member of chain) chain.remove(member)
    expect(names(chain)).toBe('')
  })
})
