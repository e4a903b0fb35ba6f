import {
  createRandom,
  randomNumber,
  randomString,
  randomValue,
  space,
  spelled,
} from '@mcp-router/testkit/random'
import { describe, expect, it } from 'vitest'
import { MalformedMessage, MalformedResponse } from './malformed.js'
import { paramsOf, parseJson, refusedIdOf, requireValid, resultOf, scanMessage } from './message.js'
import type { Message } from './message.js'
import { textOf } from './scan.js'

const scan = (text: string): Message => scanMessage(Buffer.from(text))

/** The kind of a message, or of what is wrong with it. */
const kindOf = (read: () => Message): string => {
  try {
    return read().kind
  } catch (error) {
    if (error instanceof MalformedMessage) return error.kind
    throw error
  }
}

it.each([
  ['1', '1'],
  ['"1"', '"1"'],
  ['0', '0'],
  ['-0', '0'],
  ['-7', '-7'],
  ['""', '""'],
  ['"a\\u0062c"', '"abc"'],
  ['"\\ud83d\\ude00 é"', '"😀 é"'],
  ['"say \\"hi\\""', '"say \\"hi\\""'],
  ['1.0', '1'],
  ['1e2', '100'],
  ['9007199254740991', '9007199254740991'],
  ['9007199254740993', '9007199254740993'],
  ['-123456789012345678901234567890', '-123456789012345678901234567890'],
])('reads the id %s, its value and its type kept', (written, id) => {
  const message = scan(`{"jsonrpc":"2.0", "id": ${written} ,"method":"tools/call","params":{}}`)
  expect(message).toMatchObject({ kind: 'request', id, method: 'tools/call' })
  expect(textOf(message.bytes, message.idSpan!)).toBe(written)
})

it.each([
  ['{"jsonrpc":"2.0","method":"notifications/x"}', 'notification'],
  ['{"jsonrpc":"2.0","id":1,"result":{"resultType":"x"}}', 'response'],
  ['{"jsonrpc":"2.0","id":1,"error":{"data":[],"message":"","code":-32000.0}}', 'response'],
  ['{"jsonrpc":"2.0","id":"a","error":{"code":-1,"message":""}}', 'response'],
  ['{"jsonrpc":"2.0","id":null,"error":{"code":-32700,"message":""}}', 'response'],
  [' {\n"method":"m" ,\t"id":1,"jsonrpc":"2.0" }\r\n', 'request'],
  ['{"jsonrpc":"\\u0032.0","id":1,"method":"m"}', 'request'],
  ['{"jsonrpc":"1.0","id":1,"method":"m"}', 'not-jsonrpc'],
  ['{"jsonrpc":2.0,"id":1,"method":"m"}', 'not-jsonrpc'],
  ['{"id":1,"method":"m"}', 'not-jsonrpc'],
  ['{"jsonrpc":"2.0","id":1,"method":7}', 'not-jsonrpc'],
  ['{"jsonrpc":"2.0","id":null,"method":"m"}', 'not-jsonrpc'],
  ['{"jsonrpc":"2.0","id":1.5,"method":"m"}', 'not-jsonrpc'],
  ['{"jsonrpc":"2.0","id":true,"method":"m"}', 'not-jsonrpc'],
  ['{"jsonrpc":"2.0","id":{},"method":"m"}', 'not-jsonrpc'],
  ['{"jsonrpc":"2.0","id":1}', 'not-jsonrpc'],
  ['{"jsonrpc":"2.0","result":{}}', 'not-jsonrpc'],
  ['{}', 'not-jsonrpc'],
  ['[{"jsonrpc":"2.0","id":1,"method":"m"}]', 'batch'],
  ['null', 'not-jsonrpc'],
  ['"text"', 'not-jsonrpc'],
  ['', 'not-json'],
  ['{', 'not-json'],
  ['hello', 'not-json'],
  ['{"jsonrpc":"2.0","id":1,"method":"m"}}', 'not-json'],
  ['\ufeff{"jsonrpc":"2.0","id":1,"method":"m"}', 'request'],
])('takes %j for a %s', (text, kind) => {
  expect(kindOf(() => scan(text))).toBe(kind)
})

it.each([
  ['an envelope member twice', '{"jsonrpc":"2.0","id":1,"id":2,"method":"m"}'],
  ['ID beside id', '{"jsonrpc":"2.0","id":1,"method":"m","ID":2}'],
  ['ID for id', '{"jsonrpc":"2.0","ID":2,"method":"m"}'],
  ['an escaped ID', '{"jsonrpc":"2.0","id":1,"method":"m","\\u0049D":2}'],
  ['METHOD', '{"jsonrpc":"2.0","id":1,"method":"m","METHOD":"n"}'],
  ['PARAMS', '{"jsonrpc":"2.0","id":1,"method":"m","params":{},"PARAMS":{}}'],
  ['paramſ, which Go reads as params', '{"jsonrpc":"2.0","id":1,"method":"m","paramſ":{}}'],
  ['Result', '{"jsonrpc":"2.0","id":1,"result":{},"Result":{}}'],
  ['NAME', '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"a","NAME":"b"}}'],
  ['name twice', '{"jsonrpc":"2.0","id":1,"method":"prompts/get","params":{"name":1,"name":2}}'],
  ['URI', '{"jsonrpc":"2.0","id":1,"method":"resources/read","params":{"URI":"b"}}'],
  ['_META', '{"jsonrpc":"2.0","id":1,"method":"m","params":{"_META":{"progressToken":1}}}'],
])('refuses what two parsers read differently: %s', (_, text) => {
  expect(kindOf(() => scan(text))).toBe('not-jsonrpc')
})

// Official clients drop such an answer as no message, and their call waits until its timeout.
it.each([
  ['"result":null', 'object'],
  ['"result":"done"', 'object'],
  ['"result":[]', 'object'],
  ['"result":{},"error":null', 'never both'],
  ['"result":{},"error":{"code":1,"message":"m"}', 'never both'],
  ['"error":null', 'object'],
  ['"error":"boom"', 'object'],
  ['"error":[]', 'object'],
  ['"error":{}', '"code"'],
  ['"error":{"message":"m"}', '"code"'],
  ['"error":{"code":"1","message":"m"}', '"code"'],
  ['"error":{"code":1.5,"message":"m"}', '"code"'],
  ['"error":{"code":1}', '"message"'],
  ['"error":{"code":1,"message":null}', '"message"'],
])('refuses a response with %s, and says whose it is', (inside, reason) => {
  const read = () => scan(`{${inside},"id":"a","jsonrpc":"2.0"}`)
  expect(read).toThrow(MalformedResponse)
  expect(read).toThrow(
    expect.objectContaining({ id: '"a"', message: expect.stringContaining(reason) }),
  )
})

it('leaves members that it does not read to the server', () => {
  const text = '{"jsonrpc":"2.0","id":1,"method":"x/y","params":{"Name":1,"name":2},"Extra":1}'
  expect(scan(text).kind).toBe('request')
})

describe('JSON that nests deep', () => {
  const nested = (levels: number) => '['.repeat(levels) + ']'.repeat(levels)
  const message = (levels: number) =>
    `{"jsonrpc":"2.0","id":1,"method":"m","params":${nested(levels)}}`

  it('passes up to 512 levels, the envelope counted', () => {
    expect(kindOf(() => scan(message(511)))).toBe('request')
    expect(kindOf(() => scan(message(512)))).toBe('not-jsonrpc')
  })

  it('is refused before it is parsed, whatever it is', () => {
    const open = Buffer.alloc(4 * 1024 * 1024, '[')
    const start = performance.now()
    expect(() => scanMessage(open)).toThrow('nests deeper than 512 levels')
    expect(() => parseJson(Buffer.concat([Buffer.from('{"a":'), open]))).toThrow('nests deeper')
    expect(performance.now() - start).toBeLessThan(500)
  })

  it('counts no brackets of a string', () => {
    expect(parseJson(Buffer.from(JSON.stringify(nested(600))))).toBe(nested(600))
  })
})

it('skips a byte order mark', () => {
  expect(scan('\ufeff{"jsonrpc":"2.0","id":1,"method":"m"}').bytes[0]).toBe(0x7b)
  expect(parseJson(Buffer.from('\ufeff[1]'))).toEqual([1])
})

it('says of a batch since when messages come one at a time', () => {
  expect(() => scan('[]')).toThrow('removed in revision 2025-06-18; send one message per POST')
})

/** What the message is by JSON.parse and the rules of JSON-RPC. */
const expected = (value: Record<string, unknown>): string => {
  const { id, method } = value
  const hasId = 'id' in value
  if (typeof id === 'number' && !Number.isInteger(id)) return 'not-jsonrpc'
  if ('method' in value) {
    if (typeof method !== 'string' || (hasId && id === null)) return 'not-jsonrpc'
    return hasId ? 'request' : 'notification'
  }
  const isObject = /^\[object Object\]$/.test(Object.prototype.toString.call(value['result']))
  return hasId && isObject ? 'response' : 'not-jsonrpc'
}

it('reads of any message what JSON.parse reads', () => {
  const kinds = new Set<string>()
  for (let seed = 1; seed <= 1_000; seed++) {
    const random = createRandom(seed)
    const values: Record<string, () => string> = {
      jsonrpc: () => '"2.0"',
      id: () => random.pick([randomNumber, randomString, () => 'null'])(random),
      method: () => random.pick([randomString, randomString, randomNumber])(random),
      result: () => (random.chance(0.7) ? '{"a":1}' : randomValue(random, 2)),
      params: () => randomValue(random, 2),
    }
    const keys = Object.keys(values).filter((key) => key === 'jsonrpc' || random.chance(0.6))
    const members = keys.map((key) => `${space(random)}${spelled(random, key)}:${values[key]!()}`)
    const text = `{${members.join(',')}}`
    const value = JSON.parse(text) as Record<string, unknown>
    const kind = expected(value)
    kinds.add(kind)
    expect(
      kindOf(() => scan(text)),
      `seed ${seed}: ${text}`,
    ).toBe(kind)
    if (kind === 'not-jsonrpc') continue
    const { id, method } = scan(text)
    expect(method, `seed ${seed}`).toBe(value['method'] ?? '')
    // `-0` is the same id as `0`.
    const written = value['id'] === 0 ? 0 : (value['id'] ?? '')
    expect(id && id !== 'null' ? JSON.parse(id) : '', `seed ${seed}`).toEqual(written)
  }
  expect(kinds.size).toBe(4)
})

describe('an invalid request', () => {
  const refusedId = (text: string) => refusedIdOf(Buffer.from(text))

  it.each(['1.50', 'null', 'true', '{"a":[1]}', '"a"'])('is refused under its id, %s', (id) => {
    expect(refusedId(`{"jsonrpc":"2.0","id":${id},"method":7}`)).toBe(id)
  })

  it('is refused without one where it cannot be repeated', () => {
    for (const id of ['{"a":}', `"${'x'.repeat(1_000)}"`])
      expect(refusedId(`{"jsonrpc":"2.0","id":${id},"method":"m"}`)).toBe('null')
  })

  it.each([
    '{"id":1.5,"method":"GET"}',
    '{"jsonrpc":"2.0","method":7}',
    '{"jsonrpc":"2.0","id":1.5,"result":{}}',
    '{"jsonrpc":"2.0","id":1.5,"method":"m"',
    '[]',
  ])('is not what %s is', (text) => {
    expect(refusedId(text)).toBeUndefined()
  })
})

describe('the inside of a message', () => {
  it('is read where it is an object', () => {
    expect(paramsOf(scan('{"jsonrpc":"2.0","method":"m","params":{"a":1}}'))).toEqual({ a: 1 })
    expect(resultOf(scan('{"jsonrpc":"2.0","id":1,"result":{"b":2}}'))).toEqual({ b: 2 })
  })

  it('is nothing where there is none, a list, or an error', () => {
    const listed = scan('{"jsonrpc":"2.0","method":"m","params":[1]}')
    const bare = scan('{"jsonrpc":"2.0","method":"m"}')
    const failed = scan('{"jsonrpc":"2.0","id":1,"error":{"code":1,"message":""}}')
    const read = [paramsOf(listed), paramsOf(bare), resultOf(failed)]
    expect(read).toEqual([undefined, undefined, undefined])
  })

  it('is checked only when that is asked for', () => {
    const broken = scan('{"jsonrpc":"2.0","id":1,"method":"m","params":[1,,]}')
    expect(broken).toMatchObject({ kind: 'request', id: '1' })
    expect(() => requireValid(broken)).toThrow(MalformedMessage)
    expect(() => requireValid(scan('{"jsonrpc":"2.0","id":1,"method":"m"}'))).not.toThrow()
  })
})
