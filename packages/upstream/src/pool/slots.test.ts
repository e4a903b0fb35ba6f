import { describe, expect, it } from 'vitest'
import { createSlots } from './slots.js'

describe('slots', () => {
  it('give a value back once, under its own number', () => {
    const slots = createSlots<string>()
    const [a, b] = [slots.put('a'), slots.put('b')]
    expect(slots.size()).toBe(2)
    expect([slots.take(a), slots.take(a), slots.take(b), slots.size()]).toEqual([
      'a',
      undefined,
      'b',
      0,
    ])
  })

  it('never give a number twice, so that a late answer meets nobody', () => {
    const slots = createSlots<string>()
    const first = slots.put('first')
    slots.take(first)
    const second = slots.put('second')
    expect(second).not.toBe(first)
    expect([slots.take(first), slots.take(second)]).toEqual([undefined, 'second'])
    expect([slots.take(Number.NaN), slots.take(-1), slots.take(1.5)]).toEqual([
      undefined,
      undefined,
      undefined,
    ])
  })

  it('begin at a number that nobody can guess', () => {
    const first = Array.from({ length: 20 }, () => createSlots<string>().put('a'))
    expect(new Set(first).size).toBe(20)
    expect(first.every((number) => number > 2 ** 45 && Number.isSafeInteger(number))).toBe(true)
  })

  it('hand out all that is left when they are drained', () => {
    const slots = createSlots<string>()
    const a = slots.put('a')
    slots.put('b')
    expect([slots.drain(), slots.size(), slots.take(a)]).toEqual([['a', 'b'], 0, undefined])
    expect(slots.take(slots.put('c'))).toBe('c')
  })

  it('refuse more values than there are places', () => {
    const slots = createSlots<number>()
    for (let count = 0; count < 65_536; count++) slots.put(count)
    expect(() => slots.put(0)).toThrow(RangeError)
  })
})
