import { expect, it } from 'vitest'
import { errorBytes, notificationBytes, requestBytes, resultBytes } from './jsonrpc.js'

const read = (bytes: Buffer): unknown => JSON.parse(bytes.toString())

it('writes the four kinds of message', () => {
  const jsonrpc = '2.0'
  expect(read(requestBytes(1, 'ping'))).toEqual({ jsonrpc, id: 1, method: 'ping' })
  expect(read(notificationBytes('n', { a: 1 }))).toEqual({ jsonrpc, method: 'n', params: { a: 1 } })
  expect(read(resultBytes('"x"', { ok: true }))).toEqual({ jsonrpc, id: 'x', result: { ok: true } })
  const error = { code: -32601, message: 'say "no"', data: { why: 1 } }
  expect(read(errorBytes('7', error.code, error.message, error.data))).toEqual({
    jsonrpc,
    id: 7,
    error,
  })
})

it('keeps an id that no number can hold', () => {
  expect(resultBytes('9007199254740993', {}).toString()).toContain('"id":9007199254740993,')
})

it('answers with id null where the id could not be read', () => {
  expect(read(errorBytes('', -32700, 'm'))).toMatchObject({ id: null })
})
