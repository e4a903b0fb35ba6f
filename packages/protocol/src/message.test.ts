import { describe, expect, it } from 'vitest'
import {
  MalformedMessage,
  paramsOf,
  parseMessage,
  requireValid,
  resultOf,
  scanMessage,
} from './message.js'
import type { Message } from './message.js'
import { createRandom } from './testing/random.js'
import { randomNumber, randomString, randomValue, space, spelled } from './testing/random-json.js'

const request = (id: string): Buffer =>
  Buffer.from(`{"jsonrpc":"2.0","id":${id},"method":"tools/call","params":{}}`)

/** The same message, too big to be parsed whole. */
const big = (bytes: Buffer): Buffer =>
  Buffer.from(bytes.toString().replace('{', `{"pad":"${'x'.repeat(70_000)}",`))

const kindOf = (read: () => Message): string => {
  try {
    return read().kind
  } catch (error) {
    if (error instanceof MalformedMessage) return error.kind
    throw error
  }
}

describe.each<[string, (bytes: Buffer) => Message]>([
  ['parseMessage', parseMessage],
  ['scanMessage', scanMessage],
  ['parseMessage of a big body', (bytes) => parseMessage(big(bytes))],
])('%s', (_, read) => {
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
    expect(read(request(written))).toMatchObject({ kind: 'request', id, method: 'tools/call' })
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
    ['{"jsonrpc":"2.0","id":true,"method":"m"}', 'not-jsonrpc'],
    ['{"jsonrpc":"2.0","id":{},"method":"m"}', 'not-jsonrpc'],
    ['{"jsonrpc":"2.0","id":1}', 'not-jsonrpc'],
    ['{"jsonrpc":"2.0","result":{}}', 'not-jsonrpc'],
  ])('takes %s for a %s', (text, kind) => {
    expect(kindOf(() => read(Buffer.from(text)))).toBe(kind)
  })
})

describe.each([
  ['parseMessage', parseMessage],
  ['scanMessage', scanMessage],
])('%s', (_, read) => {
  it.each([
    ['', 'not-json'],
    ['{', 'not-json'],
    ['hello', 'not-json'],
    ['{"jsonrpc":"2.0","id":1,"method":"m"}}', 'not-json'],
    ['\ufeff{"jsonrpc":"2.0","id":1,"method":"m"}', 'not-json'],
    ['[{"jsonrpc":"2.0","id":1,"method":"m"}]', 'not-jsonrpc'],
    ['{}', 'not-jsonrpc'],
    ['null', 'not-jsonrpc'],
    ['"text"', 'not-jsonrpc'],
  ])('refuses %s as %s', (text, kind) => {
    expect(kindOf(() => read(Buffer.from(text)))).toBe(kind)
  })

  it('says of a batch that messages come one at a time', () => {
    expect(() => read(Buffer.from('[]'))).toThrow('one message per POST')
  })
})

it('reads a message the same, whether it parses or scans', () => {
  for (let seed = 1; seed <= 1_000; seed++) {
    const random = createRandom(seed)
    const values: Record<string, () => string> = {
      jsonrpc: () => '"2.0"',
      id: () => random.pick([randomNumber, randomString, () => 'null'])(random),
      method: () => randomString(random),
      result: () => randomValue(random, 2),
      params: () => randomValue(random, 2),
    }
    const keys = ['jsonrpc', ...Object.keys(values).filter(() => random.chance(0.6))]
    const members = keys.map((key) => `${space(random)}${spelled(random, key)}:${values[key]!()}`)
    const bytes = Buffer.from(`{${members.join(',')}}`)
    const told = (read: (bytes: Buffer) => Message): unknown => {
      const kind = kindOf(() => read(bytes))
      return kind.startsWith('not-') ? kind : { ...read(bytes), idSpan: undefined }
    }
    expect(told(scanMessage), `seed ${seed}: ${bytes.toString()}`).toEqual(told(parseMessage))
  }
})

describe('the inside of a message', () => {
  it('is read where it is an object', () => {
    const message = parseMessage(Buffer.from('{"jsonrpc":"2.0","method":"m","params":{"a":1}}'))
    expect(paramsOf(message)).toEqual({ a: 1 })
    const answer = scanMessage(Buffer.from('{"jsonrpc":"2.0","id":1,"result":{"b":2}}'))
    expect(resultOf(answer)).toEqual({ b: 2 })
  })

  it('is nothing where there is none, a list, or an error', () => {
    const listed = parseMessage(Buffer.from('{"jsonrpc":"2.0","method":"m","params":[1]}'))
    const bare = parseMessage(Buffer.from('{"jsonrpc":"2.0","method":"m"}'))
    const failed = scanMessage(Buffer.from('{"jsonrpc":"2.0","id":1,"error":{}}'))
    expect([paramsOf(listed), paramsOf(bare), resultOf(failed)]).toEqual([
      undefined,
      undefined,
      undefined,
    ])
  })

  it('of a big message is checked when it must be', () => {
    const broken = Buffer.from(
      `{"jsonrpc":"2.0","id":1,"method":"m","params":[${'1'.repeat(70_000)},,]}`,
    )
    const message = parseMessage(broken)
    expect(message.method).toBe('m')
    expect(kindOf(() => (requireValid(message), message))).toBe('not-json')
  })
})
