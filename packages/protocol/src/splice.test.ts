import { createRandom, randomEnvelope, randomValue } from '@mcp-router/testkit/random'
import { describe, expect, it } from 'vitest'
import { scanMessage } from './message.js'
import { scanEnvelope } from './scan.js'
import { flatten, insertIntoResult, spliceId, spliceProgressToken } from './splice.js'

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

describe('spliceProgressToken', () => {
  const spliced = (text: string, token = '17') =>
    spliceProgressToken({ bytes: Buffer.from(text) }, token)

  it.each([
    ['{"jsonrpc":"2.0","id":1, "params":{"_meta" : { "progressToken" : *}},"method":"tools/call"}'],
    [
      '{"method":"m","id":"x","params":{"progressToken":"not it","_meta":{"a":{},"progressToken":*}}}',
    ],
    ['{"method":"m","id":1,"params":{"_meta":{"progressToken":"first","progressToken":*}}}'],
    ['{"method":"m","id":1,"params":{"_meta":{"progress\\u0054oken":*}}}'],
    ['{"method":"notifications/progress","params":{"progressToken":*,"progress":1.50}}'],
    [
      '{"params":{"_meta":{"progressToken":1},"progressToken":*},"method":"notifications\\/progress"}',
    ],
  ])('changes the token and no other byte: %s', (text) => {
    for (const token of ['"é"', '4', '0.10']) {
      const { bytes, previous } = spliced(text.replace('*', token))!
      expect(bytes.toString()).toBe(text.replace('*', '17'))
      expect(previous).toBe(token)
    }
  })

  it('puts back what it took out', () => {
    const text = '{"method":"m","id":1,"params":{"_meta":{"progressToken":"a\\n"}}}'
    const there = spliced(text)!
    expect(spliceProgressToken(there, there.previous)?.bytes.toString()).toBe(text)
  })

  it.each([
    ['{"method":"m","id":1}'],
    ['{"method":"m","id":1,"params":[{"_meta":{"progressToken":1}}]}'],
    ['{"method":"m","id":1,"params":{"progressToken":1}}'],
    ['{"method":"m","id":1,"params":{"_meta":"progressToken"}}'],
    ['{"method":"m","id":1,"params":{"_meta":{}}}'],
    ['{"method":"m","params":{"_meta":{"progressToken":1}}}'],
    ['{"method":"notifications/progress","params":{"_meta":{"progressToken":1}}}'],
    ['{"method":"notifications/progress","id":1,"params":{"progressToken":1}}'],
    ['{"id":1,"result":{"_meta":{"progressToken":1}}}'],
    ['{"method":"m","id":1,"params":{"_meta":{"progressToken":1'],
    ['no JSON'],
  ])('finds none in %s', (text) => {
    expect(spliced(text)).toBeUndefined()
  })
})

describe('insertIntoResult', () => {
  const member = '"resultType":"complete"'
  const inserted = (text: string, members = member) =>
    insertIntoResult({ bytes: Buffer.from(text) }, members)?.toString()

  it.each([
    ['{"jsonrpc":"2.0","id":1,"result":{*"a":1.50}}', `${member},`],
    ['{"result" : {* "é":"}" } ,"id":"é"}', `${member},`],
    ['{"id":1,"result":{*\n"x":{"resultType":"of another"}}}', `${member},`],
    ['{"id":1,"result":{*"x":"resultType"},"resultType":2}', `${member},`],
    ['{"id":1,"result":{*}}', member],
    ['{"id":1,"result":{* \n}}', member],
  ])('puts it first and changes no other byte: %s', (text, insertion) => {
    expect(inserted(text.replace('*', ''))).toBe(text.replace('*', insertion))
  })

  it.each([
    ['{"id":1,"result":{"a":1,"resultType":"task"}}'],
    ['{"id":1,"result":{"result\\u0054ype":"task"}}'],
    ['{"id":1,"result":[]}'],
    ['{"id":1,"result":"{}"}'],
    ['{"id":1,"result":null}'],
    ['{"id":1,"error":{"code":1,"message":"m"}}'],
    ['{"id":1,"result":{"a":1'],
    ['{"id":1,"result":{"a" 1}}'],
    ['{"id":1,"result":{"a":1[}]}'],
    [''],
  ])('does nothing to %s', (text) => {
    expect(inserted(text)).toBeUndefined()
  })

  it('puts in several members, or none of them', () => {
    const both = '"b":{"c":"é"},"d":[1]'
    expect(inserted('{"id":1,"result":{"a":1}}', both)).toBe(`{"id":1,"result":{${both},"a":1}}`)
    expect(inserted('{"id":1,"result":{"d":1}}', both)).toBeUndefined()
  })

  it('adds to any result just that', () => {
    let objects = 0
    for (let seed = 1; seed <= 2_000; seed++) {
      const result = randomValue(createRandom(seed), 3)
      const text = inserted(`{"id":1,"result":${result}}`)
      if (text === undefined) continue
      expect(JSON.parse(text), `seed ${seed}`).toEqual({
        id: 1,
        result: { ...JSON.parse(result), resultType: 'complete' },
      })
      objects++
    }
    expect(objects).toBeGreaterThan(100)
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
