import { describe, expect, it } from 'vitest'
import { scanEnvelope, textOf } from './scan.js'

const membersOf = (text: string): Record<string, string> | undefined => {
  const bytes = Buffer.from(text)
  const scan = scanEnvelope(bytes)
  return (
    scan && Object.fromEntries(Object.entries(scan).map(([key, at]) => [key, textOf(bytes, at)]))
  )
}

describe('scanEnvelope', () => {
  it('finds the members of an envelope as they are written', () => {
    const text = ' { "jsonrpc" : "2.0",\n"id":1.0,"method":"tools/call","params":{"id":[2,"}"]} }\n'
    expect(membersOf(text)).toEqual({
      jsonrpc: '"2.0"',
      id: '1.0',
      method: '"tools/call"',
      params: '{"id":[2,"}"]}',
    })
  })

  it('refuses a member that is repeated, or written in capitals', () => {
    expect(() => membersOf('{"id":1,"id":"b"}')).toThrow('"id" must appear exactly once')
    expect(() => membersOf('{"id":1,"\\u0049d":3}')).toThrow('"id" must appear exactly once')
  })

  it('knows a key whose letters are escaped', () => {
    expect(membersOf('{"\\u0069d":1}')).toEqual({ id: '1' })
  })

  it('passes over keys that are not of JSON-RPC', () => {
    expect(membersOf('{"_meta":{"id":1},"__proto__":2,"idx":3}')).toEqual({})
  })

  it('is not misled by quotes, backslashes and brackets in strings', () => {
    const text = '{"params":"\\\\\\" } , \\"id\\":7","id":"\\\\"}'
    expect(membersOf(text)).toEqual({ params: '"\\\\\\" } , \\"id\\":7"', id: '"\\\\"' })
  })

  it('finds nothing in an empty object', () => {
    expect(membersOf(' {\n} ')).toEqual({})
  })

  it.each([
    ['', 'nothing'],
    ['[{"id":1}]', 'a batch'],
    ['"{}"', 'a string'],
    ['{"id":1}{}', 'two objects'],
    ['{"id":1} x', 'something behind'],
    ['{"id":1,}', 'a comma too many'],
    ['{"id" 1}', 'no colon'],
    ['{"id":}', 'no value'],
    ['{id:1}', 'no quotes'],
    ['{"id":1', 'no end'],
    ['{"id":"1}', 'an open string'],
    ['{"id":[1}', 'an open list'],
  ])('refuses %j: %s', (text) => {
    expect(membersOf(text)).toBeUndefined()
  })

  it('refuses brackets that nest too deep, without recursion', () => {
    const deep = '['.repeat(500_000) + ']'.repeat(500_000)
    expect(() => membersOf(`{"params":${deep},"id":1}`)).toThrow('nests deeper than 512 levels')
  })
})
