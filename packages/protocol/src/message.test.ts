import { describe, expect, it } from 'vitest'
import { MalformedMessage, paramsOf, requireValid, resultOf, scanMessage } from './message.js'
import type { Message } from './message.js'
import { textOf } from './scan.js'
import { createRandom } from './testing/random.js'
import { randomNumber, randomString, randomValue, space, spelled } from './testing/random-json.js'

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
  ['{"jsonrpc":"2.0","id":1,"result":null}', 'response'],
  ['{"jsonrpc":"2.0","id":"a","error":{"code":-1,"message":""}}', 'response'],
  ['{"jsonrpc":"2.0","id":null,"error":{"code":-32700,"message":""}}', 'response'],
  [' {\n"method":"m" ,\t"id":1,"jsonrpc":"2.0" }\r\n', 'request'],
  ['{"jsonrpc":"1.0","jsonrpc":"\\u0032.0","id":1,"method":"m"}', 'request'],
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
  ['\ufeff{"jsonrpc":"2.0","id":1,"method":"m"}', 'not-json'],
])('takes %j for a %s', (text, kind) => {
  expect(kindOf(() => scan(text))).toBe(kind)
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
  return hasId && 'result' in value ? 'response' : 'not-jsonrpc'
}

it('reads of any message what JSON.parse reads', () => {
  const kinds = new Set<string>()
  for (let seed = 1; seed <= 1_000; seed++) {
    const random = createRandom(seed)
    const values: Record<string, () => string> = {
      jsonrpc: () => '"2.0"',
      id: () => random.pick([randomNumber, randomString, () => 'null'])(random),
      method: () => random.pick([randomString, randomString, randomNumber])(random),
      result: () => randomValue(random, 2),
      params: () => randomValue(random, 2),
    }
    const keys = ['jsonrpc', ...Object.keys(values).filter(() => random.chance(0.6))]
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

describe('the inside of a message', () => {
  it('is read where it is an object', () => {
    expect(paramsOf(scan('{"jsonrpc":"2.0","method":"m","params":{"a":1}}'))).toEqual({ a: 1 })
    expect(resultOf(scan('{"jsonrpc":"2.0","id":1,"result":{"b":2}}'))).toEqual({ b: 2 })
  })

  it('is nothing where there is none, a list, or an error', () => {
    const listed = scan('{"jsonrpc":"2.0","method":"m","params":[1]}')
    const bare = scan('{"jsonrpc":"2.0","method":"m"}')
    const failed = scan('{"jsonrpc":"2.0","id":1,"error":{}}')
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
