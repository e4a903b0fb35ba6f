import { describe, expect, it } from 'vitest'
import { scanMessage } from '../message.js'
import { agreesAtSight, checkModernRequest } from './check.js'
import { modernClaim } from './claim.js'
import { metaKeys } from './envelope.js'
import { headerValuesOf } from './header-values.js'
import type { Refusal } from './refusal.js'

const revision = '2026-07-28'
const sound = { [metaKeys.protocolVersion]: revision, [metaKeys.clientCapabilities]: {} }
const capabilitiesOnly = { [metaKeys.clientCapabilities]: {} }
const version = (value: string): string[] => ['MCP-Protocol-Version', value]
const method = (value: string): string[] => ['Mcp-Method', value]
const name = (value: string): string[] => ['Mcp-Name', value]

const checked = (body: object, ...headers: string[][]): Refusal | undefined => {
  const message = scanMessage(Buffer.from(JSON.stringify({ jsonrpc: '2.0', ...body })))
  return checkModernRequest(message, modernClaim(message), headerValuesOf(headers.flat()))
}
const list = (meta: object, ...headers: string[][]): Refusal | undefined =>
  checked({ id: 1, method: 'tools/list', params: { _meta: meta } }, ...headers)
const full = [version(revision), method('tools/list')]
const mismatch = { status: 400, code: -32020 }

describe('the envelope', () => {
  it.each<[string, object]>([
    ['all there must be', sound],
    ['what it does not know', { ...sound, 'example.com/x': [], traceparent: '00-1' }],
    ['a level of syslog', { ...sound, [metaKeys.logLevel]: 'notice' }],
    ['a client', { ...sound, [metaKeys.clientInfo]: { name: 'a', version: '1', title: 'A' } }],
    ['tokens of progress', { ...sound, progressToken: 0 }],
  ])('passes with %s', (_, meta) => {
    expect(list(meta, ...full)).toBeUndefined()
  })

  it.each<[string, object, string]>([
    ['no capabilities', { [metaKeys.protocolVersion]: revision }, metaKeys.clientCapabilities],
    [
      'a list of them',
      { ...sound, [metaKeys.clientCapabilities]: [] },
      metaKeys.clientCapabilities,
    ],
    ['a version that is 1', { ...sound, [metaKeys.protocolVersion]: 1 }, metaKeys.protocolVersion],
    ['an unknown level', { ...sound, [metaKeys.logLevel]: 'loud' }, metaKeys.logLevel],
    ['half a client', { ...sound, [metaKeys.clientInfo]: { name: 'a' } }, metaKeys.clientInfo],
    ['an object for a token', { ...sound, progressToken: {} }, 'progressToken'],
  ])('is refused with %s, before any header is', (_, meta, key) => {
    expect(list(meta, version('2025-11-25'))).toMatchObject({
      status: 400,
      code: -32602,
      data: { envelope: { key } },
    })
  })
})

describe('the headers of a request', () => {
  const later = { ...sound, [metaKeys.protocolVersion]: '2027-01-01' }

  it.each<[string, object, string[][], object]>([
    ['another version', sound, [version('2025-11-25'), method('tools/list')], mismatch],
    ['another method', sound, [version(revision), method('tools/call')], mismatch],
    ['another case of the method', sound, [version(revision), method('Tools/list')], mismatch],
    ['the version twice', sound, [...full, version(revision)], mismatch],
    ['the method twice', sound, [...full, method('tools/list')], mismatch],
    ['one line of two versions', sound, [version(`${revision}, ${revision}`)], mismatch],
    ['no version', sound, [method('tools/list')], mismatch],
    ['no method', sound, [version(revision)], mismatch],
    ['none at all', sound, [], mismatch],
    ['another version than one not served', later, full, mismatch],
    ['another method in one not served', later, [version('2027-01-01'), method('x')], mismatch],
    ['a revision not served', later, [version('2027-01-01')], { status: 400, code: -32022 }],
    ['a revision not served, no headers', later, [], { status: 400, code: -32022 }],
  ])('are refused: %s', (_, meta, headers, refusal) => {
    expect(list(meta, ...headers)).toMatchObject(refusal)
  })

  it('say what is supported where the revision is not', () => {
    const meta = { ...sound, [metaKeys.protocolVersion]: '2025-11-25' }
    expect(list(meta, version('2025-11-25'))?.data).toEqual({
      supported: ['2026-07-28'],
      requested: '2025-11-25',
    })
  })

  it.each(['tools/list', 'initialize'])('say so to a %s without an envelope, too', (of) => {
    const refused = checked({ id: 1, method: of, params: {} }, version('2030-01-01'))
    expect(refused).toMatchObject({
      status: 400,
      code: -32022,
      message:
        'Unsupported protocol version (supported: 2026-07-28; with sessions: 2024-11-05, 2025-03-26, 2025-06-18, 2025-11-25)',
      data: { supported: ['2026-07-28'], requested: '2030-01-01' },
    })
  })

  it('may be padded', () => {
    expect(list(sound, version(` ${revision}\t`), method('\ttools/list '))).toBeUndefined()
  })
})

describe('a method', () => {
  it.each([
    ...['initialize', 'ping', 'logging/setLevel', 'resources/subscribe', 'resources/unsubscribe'],
    ...['tasks/list', 'tasks/result', 'elicitation/create', 'sampling/createMessage', 'roots/list'],
  ])('that this revision has not is refused last: %s', (of) => {
    const body = { id: 1, method: of, params: { _meta: sound } }
    expect(checked(body, version(revision))).toMatchObject(mismatch)
    expect(checked(body, version(revision), method(of))).toMatchObject({
      status: 404,
      code: -32601,
    })
  })
})

describe('a message without claim', () => {
  const modern = [version(revision)]

  it.each<[string, object, string[][], object]>([
    ['a request', { id: 1, method: 'tools/list' }, modern, { status: 400, code: -32602 }],
    [
      'a request with half an envelope',
      { id: 1, method: 'tools/list', params: { _meta: capabilitiesOnly } },
      modern,
      { status: 400, code: -32602 },
    ],
    [
      'a request with half an envelope of a revision not served',
      { id: 1, method: 'tools/list', params: { _meta: capabilitiesOnly } },
      [version('2027-01-01')],
      { status: 400, code: -32022 },
    ],
    [
      'a request that hides the version among others',
      { id: 1, method: 'tools/list' },
      [version('2025-11-25'), version(revision)],
      { status: 400, code: -32602 },
    ],
    ['initialize', { id: 1, method: 'initialize', params: {} }, modern, mismatch],
    ['a response', { id: 1, result: {} }, modern, { status: 400, code: -32600 }],
    ['an error', { id: 1, error: { code: 1, message: '' } }, modern, { status: 400, code: -32600 }],
  ])('is refused under a modern header: %s', (_, body, headers, refusal) => {
    expect(checked(body, ...headers)).toMatchObject(refusal)
  })

  it.each<[string, object]>([
    ['a request', { id: 1, method: 'ping' }],
    ['initialize', { id: 1, method: 'initialize', params: { _meta: capabilitiesOnly } }],
    ['a notification', { method: 'notifications/initialized' }],
    ['a response', { id: 1, result: {} }],
  ])('is left alone else: %s', (_, body) => {
    expect(checked(body)).toBeUndefined()
    expect(checked(body, version('2025-11-25'), method('x'), name('y'))).toBeUndefined()
    expect(checked(body, version('banana'))).toBeUndefined()
  })

  it('is no batch: that is no single message', () => {
    expect(() => scanMessage(Buffer.from('[{"jsonrpc":"2.0","id":1,"method":"ping"}]'))).toThrow(
      expect.objectContaining({ kind: 'batch' }),
    )
  })
})

describe('a notification', () => {
  const noted = (meta: object | undefined, ...headers: string[][]): Refusal | undefined =>
    checked({ method: 'ping', params: { _meta: meta } }, ...headers)

  it.each<[string, object | undefined, string[][]]>([
    ['with an envelope and no headers', sound, []],
    ['with a version and no capabilities', { [metaKeys.protocolVersion]: revision }, []],
    ['with headers and no envelope', undefined, [version(revision), method('ping')]],
  ])('passes %s', (_, meta, headers) => {
    expect(noted(meta, ...headers)).toBeUndefined()
  })

  it.each<[string, object | undefined, string[][], number]>([
    ['a version that is 1', { [metaKeys.protocolVersion]: 1 }, [], -32602],
    ['another version in the header', sound, [version('2025-11-25')], -32020],
    ['another method in the header', sound, [method('x')], -32020],
    ['another method, no envelope', undefined, [version(revision), method('x')], -32020],
    ['a revision not served', { [metaKeys.protocolVersion]: '2025-11-25' }, [], -32022],
    ['a revision not served, in the header', undefined, [version('2027-01-01')], -32022],
  ])('is refused for %s', (_, meta, headers, code) => {
    expect(noted(meta, ...headers)).toMatchObject({ status: 400, code })
  })
})

describe('a request that agrees at sight', () => {
  const params = { name: 'add', _meta: sound }
  const usual = {
    'mcp-protocol-version': '2026-07-28',
    'mcp-method': 'tools/call',
    'mcp-name': 'add',
  }
  const agrees = (body: object, headers: Record<string, string>): boolean => {
    const message = scanMessage(Buffer.from(JSON.stringify({ jsonrpc: '2.0', id: 1, ...body })))
    const claim = modernClaim(message)
    return claim !== undefined && agreesAtSight(message, claim, headers)
  }

  it('has plain headers that are what the body says', () => {
    expect(agrees({ method: 'tools/call', params }, usual)).toBe(true)
    expect(agrees({ method: 'tools/list', params }, { ...usual, 'mcp-method': 'tools/list' })).toBe(
      true,
    )
  })

  it.each<[string, object, Record<string, string>]>([
    ['a name that differs', { method: 'tools/call', params }, { ...usual, 'mcp-name': 'sub' }],
    ['a method that differs', { method: 'tools/call', params }, { ...usual, 'mcp-method': 'x' }],
    ['a removed method', { method: 'ping', params }, { ...usual, 'mcp-method': 'ping' }],
    [
      'another revision',
      { method: 'tools/call', params },
      { ...usual, 'mcp-protocol-version': '2025-11-25' },
    ],
    [
      'what may be two fields',
      { method: 'tools/call', params: { ...params, name: 'a, b' } },
      { ...usual, 'mcp-name': 'a, b' },
    ],
    [
      'what looks encoded',
      { method: 'tools/call', params: { ...params, name: '=?base64?YQ==?=' } },
      { ...usual, 'mcp-name': '=?base64?YQ==?=' },
    ],
    [
      'a faulty envelope',
      { method: 'tools/call', params: { ...params, _meta: { ...sound, progressToken: {} } } },
      usual,
    ],
  ])('is not one with %s', (_, body, headers) => {
    expect(agrees(body, headers)).toBe(false)
  })
})
