import { describe, expect, it } from 'vitest'
import { isTooDeep } from './depth.js'
import { parseExact, SpelledNumber, writeExact } from './exact-json.js'

const parsed = (text: string) => parseExact(Buffer.from(text)) as Record<string, unknown>

describe('parseExact and writeExact', () => {
  it.each([
    ['numbers beyond 2^53', '{"a":12345678901234567890,"b":[-9007199254740993]}'],
    ['numbers that overflow or vanish', '{"a":1e400,"b":-1e-400}'],
    ['spellings', '{"a":1.0,"b":-0,"c":1E+2,"d":0.10}'],
    ['repeated keys', '{"a":1,"a":2,"b":{"c":1,"c":1}}'],
    ['keys that look like indexes', '{"b":1,"2":1,"1":1}'],
    ['spacing and escapes', ' { "a" : "\\u00e9\\/\\"" ,\n"b":[ ] , "c" : { } } '],
    ['__proto__', '{"__proto__":{"a":1.0}}'],
    ['what JavaScript writes', '{"a":[1,"x",null,true,{"b":-1.5}]}'],
  ])('keep %s', (_, text) => {
    expect(writeExact(parsed(text))).toBe(text.trim())
  })

  it('keep every part of a value that was put together anew', () => {
    const { keep, more } = parsed('{"keep":{"n":1.0,"n":2},"drop":1,"more":1e400}')
    expect(writeExact({ first: 'é', keep, more, none: undefined })).toBe(
      '{"first":"é","keep":{"n":1.0,"n":2},"more":1e400}',
    )
  })

  it('make the values that JSON.parse makes, numbers aside that would be written otherwise', () => {
    const text = '{"a": [1, "\\\\", "a\\\\\\"b", {"x": null}], "a": [true, -2.5, ""], "n": 1.0}'
    const value = parsed(text)
    expect(JSON.parse(JSON.stringify(value))).toEqual(JSON.parse(text))
    expect(value['n']).toBeInstanceOf(SpelledNumber)
    expect(Number(value['n'])).toBe(1)
  })

  it.each(['{"a":}', '', '{"a":1', '[1,]'])('refuse %j', (text) => {
    expect(() => parsed(text)).toThrow(SyntaxError)
  })

  it('refuse what would exhaust the stack', () => {
    const nested = (depth: number): string => '['.repeat(depth) + ']'.repeat(depth)
    expect(writeExact(parsed(`{"a": ${nested(511)}}`))).toBe(`{"a": ${nested(511)}}`)
    expect(() => parsed(`{"a":${nested(512)}}`)).toThrow(RangeError)
    expect(() => parsed(nested(200_000))).toThrow(RangeError)
  })
})

describe('isTooDeep', () => {
  it('counts what is nested, not what stands in strings or side by side', () => {
    const texts = ['[[[]]]', '[[[[]]]]', '["[[[[\\"[[[["]', '[[],[],[],[]]', '{"a":{"b":[{}]}}']
    expect(texts.map((text) => isTooDeep(Buffer.from(text), 3))).toEqual([
      false,
      true,
      false,
      false,
      true,
    ])
  })
})
