import { describe, expect, it } from 'vitest'
import { scanMessage } from './message.js'
import { scanEnvelope } from './scan.js'
import { flatten, spliceId } from './splice.js'
import { createRandom } from './testing/random.js'
import { randomEnvelope } from './testing/random-json.js'

describe('spliceId', () => {
  it('changes the id and no other byte', () => {
    const text = ' {"jsonrpc":"2.0", "x":1.50,\n"id" : "a" ,"method":"é😀","id_":"a"}'
    const { bytes, previous } = spliceId(scanMessage(Buffer.from(text)), '17')
    expect(bytes.toString()).toBe(text.replace('"a" ', '17 '))
    expect(previous).toBe('"a"')
  })

  it('puts back what it took out, in any message', () => {
    let spliced = 0
    for (let seed = 1; seed <= 500; seed++) {
      const bytes = Buffer.from(randomEnvelope(createRandom(seed)))
      if (!scanEnvelope(bytes)?.id) continue
      const there = spliceId({ bytes }, '"another"')
      const back = spliceId({ bytes: there.bytes }, there.previous)
      expect(back.previous).toBe('"another"')
      expect(back.bytes.equals(bytes), `seed ${seed}`).toBe(true)
      spliced++
    }
    expect(spliced).toBeGreaterThan(100)
  })

  it('leaves the bytes that it was given as they were', () => {
    const bytes = Buffer.from('{"id":1}')
    spliceId({ bytes }, '2')
    expect(bytes.toString()).toBe('{"id":1}')
  })

  it('does not take a message without id', () => {
    expect(() => spliceId({ bytes: Buffer.from('{"method":"m"}') }, '1')).toThrow('it has none')
  })
})

describe('flatten', () => {
  it('puts a pretty-printed message on one line that reads the same', () => {
    const value = { id: 1, params: { text: 'two\nlines', list: [1, 2] } }
    const line = flatten(Buffer.from(JSON.stringify(value, undefined, 2).replaceAll('\n', '\r\n')))
    expect(line.toString()).not.toMatch(/[\r\n]/)
    expect(JSON.parse(line.toString())).toEqual(value)
  })

  it('hands back the very bytes when they are one line', () => {
    const bytes = Buffer.from('{"a":"b\\n"}')
    expect(flatten(bytes)).toBe(bytes)
  })

  it('does not write into bytes that it was given', () => {
    const bytes = Buffer.from('{\n}')
    flatten(bytes)
    expect(bytes.toString()).toBe('{\n}')
  })
})
