import { expect, it } from 'vitest'
import { MalformedMessage } from '../malformed.js'
import { scanMessage } from '../message.js'
import { modernClaim, namesModernEra } from './claim.js'
import { metaKeys } from './envelope.js'

const meta = { [metaKeys.protocolVersion]: '2026-07-28', [metaKeys.clientCapabilities]: {} }
const future = { ...meta, [metaKeys.protocolVersion]: '2027-01-01' }

const claimOf = (text: string) => modernClaim(scanMessage(Buffer.from(text)))

const claimIn = (method: string, params: unknown) =>
  claimOf(JSON.stringify({ jsonrpc: '2.0', id: 1, method, params }))

it('takes revision, meta and params from the body', () => {
  const params = { name: 'echo', _meta: meta }
  expect(claimIn('tools/call', params)).toEqual({ revision: '2026-07-28', meta, params })
})

it.each([
  ['a number', 1],
  ['null', null],
  ['a revision that is not served', '2025-11-25'],
])('sees a claim whose version is %s: refusing it is for the check', (_, revision) => {
  expect(claimIn('ping', { _meta: { [metaKeys.protocolVersion]: revision } })?.revision).toBe(
    revision,
  )
})

it.each<[string, unknown]>([
  ['no params', undefined],
  ['params in a list', [{ _meta: meta }]],
  ['no _meta', { name: 'echo' }],
  ['a list for _meta', { _meta: [metaKeys.protocolVersion] }],
  ['other reserved keys only', { _meta: { [metaKeys.clientCapabilities]: {} } }],
  ['the key in arguments only', { name: 'echo', arguments: { _meta: meta } }],
  ['the key as a value', { _meta: { note: metaKeys.protocolVersion } }],
  ['the key beside _meta', meta],
])('sees no claim in %s', (_, params) => {
  expect(claimIn('tools/call', params)).toBeUndefined()
})

it('sees no claim in a response, whatever is in it', () => {
  expect(
    claimOf(JSON.stringify({ jsonrpc: '2.0', id: 1, result: {}, params: { _meta: meta } })),
  ).toBeUndefined()
})

it('sees the claim of a notification', () => {
  const params = { _meta: meta }
  const text = JSON.stringify({ jsonrpc: '2.0', method: 'notifications/x', params })
  expect(claimOf(text)?.revision).toBe('2026-07-28')
})

it.each([
  ['a slash as PHP writes it', 'io.modelcontextprotocol\\/protocolVersion'],
  ['a letter', '\\u0069o.modelcontextprotocol/protocolVersion'],
  ['a letter in capital hex', 'io\\u002Emodelcontextpr\\u006Ftocol/protocolVersion'],
  ['every letter', Array.from(metaKeys.protocolVersion, escaped).join('')],
])('is not fooled by escapes in the key: %s', (_, key) => {
  const text = `{"jsonrpc":"2.0","id":1,"method":"ping","params":{"_meta":{"${key}":"2026-07-28"}}}`
  expect(claimOf(text)?.revision).toBe('2026-07-28')
})

it('does not read into bytes that cannot hold a claim, even if they are not JSON', () => {
  const text = '{"jsonrpc":"2.0","id":1,"method":"ping","params":{"a":"\\u003cb\\n",}}'
  expect(claimOf(text)).toBeUndefined()
})

it('throws for what looks like a claim and is not JSON', () => {
  const text = `{"jsonrpc":"2.0","id":1,"method":"ping","params":{"${metaKeys.protocolVersion}",}}`
  expect(() => claimOf(text)).toThrow(MalformedMessage)
})

it.each<[string, unknown, boolean]>([
  ['a sound claim', meta, true],
  ['a claim of a later revision', future, true],
  ['a claim of an earlier revision', { ...meta, [metaKeys.protocolVersion]: '2025-11-25' }, false],
  ['a malformed claim', { [metaKeys.protocolVersion]: '2026-07-28' }, false],
])('takes initialize with %s for modern: %s -> %s', (_, claimed, isModern) => {
  expect(claimIn('initialize', { _meta: claimed }) !== undefined).toBe(isModern)
})

it.each([
  ['2026-07-28', true],
  ['2031-01-01', true],
  ['2025-11-25', false],
  ['2026-07-28, 2026-07-28', false],
  ['banana', false],
  [20260728, false],
])('knows the era of %s', (revision, isModern) => {
  expect(namesModernEra(revision)).toBe(isModern)
})

function escaped(letter: string): string {
  return `\\u${letter.charCodeAt(0).toString(16).padStart(4, '0')}`
}
