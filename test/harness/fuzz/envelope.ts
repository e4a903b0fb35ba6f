import type { OutgoingHttpHeaders } from 'node:http'
import type { Random } from '@mcp-router/testkit/random'
import { jsonHeaders } from '../http.js'

/** Envelope is one request as a sound client sends it. */
export interface Envelope {
  readonly path: string
  readonly headers: OutgoingHttpHeaders
  readonly text: string
}

/** Sessions are open sessions at `legacy`: one of a revision with batches, one of a later revision. */
export interface Sessions {
  readonly batches: string
  readonly latest: string
}

interface Call {
  readonly method: string
  readonly params: Readonly<Record<string, unknown>>
  /** What `Mcp-Name` repeats. */
  readonly name?: string
}

/** Calls that end by themselves and ask the client for nothing. */
const calls: readonly [Call, ...Call[]] = [
  { method: 'tools/list', params: {} },
  { method: 'prompts/list', params: {} },
  { method: 'resources/list', params: {} },
  {
    method: 'tools/call',
    params: { name: 'test_simple_text', arguments: {} },
    name: 'test_simple_text',
  },
  { method: 'tools/call', params: { name: 'test_error_handling' }, name: 'test_error_handling' },
  { method: 'tools/call', params: { name: 'nobody', arguments: { a: 1 } }, name: 'nobody' },
  { method: 'prompts/get', params: { name: 'test_simple_prompt' }, name: 'test_simple_prompt' },
  { method: 'resources/read', params: { uri: 'test://static-text' }, name: 'test://static-text' },
  { method: 'no/such/method', params: {} },
]

/**
 * The ids lie far apart: an id of which a digit was changed must not be that of another request in flight, which servers of the SDK would
 * then never answer.
 */
const idOf = (random: Random, n: number, member = 0): string => {
  const id = n * 1_000_003 + member * 101
  return random.chance(0.5) ? String(id) : `"${random.pick(['', 'é', '😀', '\\n', ' '])}${id}"`
}

const write = (id: string, method: string, params: object): string =>
  `{"jsonrpc":"2.0",${id && `"id":${id},`}"method":"${method}","params":${JSON.stringify(params)}}`

const info = { name: 'fuzz', version: '1' }

/** legacyEnvelope is a message within a session, or one that opens a session. */
export const legacyEnvelope = (random: Random, n: number, sessions: Sessions): Envelope => {
  const path = '/mcp/legacy'
  if (random.chance(0.02)) {
    const params = { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: info }
    return { path, headers: jsonHeaders, text: write(idOf(random, n), 'initialize', params) }
  }
  const session = random.pick([sessions.batches, sessions.latest])
  const headers = { ...jsonHeaders, 'mcp-session-id': session }
  const one = (member: number): string => {
    const { method, params } = random.pick(calls)
    if (random.chance(0.1)) return write('', 'notifications/initialized', {})
    if (random.chance(0.05)) return '{"jsonrpc":"2.0","id":"nobody-asked","result":{}}'
    return write(idOf(random, n, member), method, params)
  }
  if (!random.chance(0.15)) return { path, headers, text: one(0) }
  const count = random.pick([1, 2, 5, 20])
  return { path, headers, text: `[${Array.from({ length: count }, (_, m) => one(m)).join()}]` }
}

/** modernEnvelope is a request of 2026-07-28 with the headers that it needs. */
export const modernEnvelope = (random: Random, n: number): Envelope => {
  const revision = '2026-07-28'
  const { method, params, name } = random.chance(0.1)
    ? { method: 'server/discover', params: {}, name: undefined }
    : random.pick(calls)
  const _meta = {
    'io.modelcontextprotocol/protocolVersion': revision,
    'io.modelcontextprotocol/clientCapabilities': {},
    'io.modelcontextprotocol/clientInfo': info,
  }
  const headers = {
    ...jsonHeaders,
    'mcp-protocol-version': revision,
    'mcp-method': method,
    ...(name !== undefined && { 'mcp-name': name }),
  }
  return {
    path: '/mcp/modern',
    headers,
    text: write(idOf(random, n), method, { ...params, _meta }),
  }
}
