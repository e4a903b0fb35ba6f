import { expect, it } from 'vitest'
import { decodeHeaderValue, encodeHeaderValue, trimOws } from './sentinel.js'

it.each([
  ['plain', 'us-west1', 'us-west1'],
  ['with a space inside', 'us west\t1', 'us west\t1'],
  ['not ASCII', 'Hello, 世界', '=?base64?SGVsbG8sIOS4lueVjA==?='],
  ['padded', ' padded ', '=?base64?IHBhZGRlZCA=?='],
  ['on two lines', 'line1\nline2', '=?base64?bGluZTEKbGluZTI=?='],
  ['like an encoded one', '=?base64?literal?=', '=?base64?PT9iYXNlNjQ/bGl0ZXJhbD89?='],
  ['with both markers in one', '=?base64?=', '=?base64?PT9iYXNlNjQ/PQ==?='],
  ['with a mark of byte order', '\uFEFFa', '=?base64?77u/YQ==?='],
  ['with DEL', 'a\x7f', '=?base64?YX8=?='],
  ['empty', '', '=?base64??='],
])('writes and reads a value that is %s', (_, value, header) => {
  expect(encodeHeaderValue(value)).toBe(header)
  expect(decodeHeaderValue(header)).toBe(value)
})

it.each([
  ['an encoded value that need not be', '=?base64?SGVsbG8=?=', 'Hello'],
  ['the wrong case of a marker', '=?BASE64?SGVsbG8=?=', '=?BASE64?SGVsbG8=?='],
  ['the mixed case of a marker', '=?Base64?SGVsbG8=?=', '=?Base64?SGVsbG8=?='],
  ['a missing prefix', 'SGVsbG8=?=', 'SGVsbG8=?='],
  ['a missing suffix', '=?base64?SGVsbG8=', '=?base64?SGVsbG8='],
  ['markers that overlap', '=?base64?=', '=?base64?='],
  ['nothing', '', ''],
  ['optional whitespace', ' \t echo\t ', 'echo'],
  ['optional whitespace around markers', '\t=?base64?IGEg?= ', ' a '],
])('reads %s', (_, header, value) => {
  expect(decodeHeaderValue(header)).toBe(value)
})

it.each([
  ['no padding', '=?base64?SGVsbG8?='],
  ['too much padding', '=?base64?SGVsbG8==?='],
  ['letters outside the alphabet', '=?base64?SGVs!!!bG8=?='],
  ['the alphabet of URLs', '=?base64?77-_?='],
  ['a space', '=?base64?SGVs bG8=?='],
  ['bits behind the end', '=?base64?SGVsbG9=?='],
  ['bytes that are not UTF-8', '=?base64?/w==?='],
  ['a letter that no field value may have', 'caf\xe9'],
  ['a control character', 'a\x00b'],
])('refuses %s', (_, header) => {
  expect(decodeHeaderValue(header)).toBeUndefined()
})

it('trims spaces and tabs only, and long runs in no time', () => {
  expect(trimOws('\u00a0a\u00a0')).toBe('\u00a0a\u00a0')
  expect(trimOws(`a${' '.repeat(100_000)}b `)).toHaveLength(100_002)
  expect(trimOws(' \t ')).toBe('')
})
