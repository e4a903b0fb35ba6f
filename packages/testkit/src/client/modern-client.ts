import { encodeHeaderValue } from '@mcp-router/protocol'
import { ask, follow } from './client.js'
import type { Events, Question, Told } from './client.js'

type Json = Record<string, unknown>

/** What a modern client says of itself with each request. */
export interface ModernTerms {
  readonly capabilities?: object
  readonly principal?: string
  /** More members of `_meta`. */
  readonly meta?: object
  readonly headers?: Record<string, string>
  readonly signal?: AbortSignal
}

export interface ModernClient {
  /** Sends a request under an id of its own, and resolves with the whole answer. */
  send(method: string, params?: Json, terms?: ModernTerms): Promise<Told>
  /** The JSON answer to a tool's call. */
  tool(name: string, args?: Json, terms?: ModernTerms & { readonly more?: Json }): Promise<Json>
  /** Follows the answer as a stream. */
  stream(method: string, params?: Json, terms?: ModernTerms): Promise<Events>
}

const prefix = 'io.modelcontextprotocol/'

/** questionOf is a modern request with its envelope and the headers that mirror it. */
export const questionOf = (
  id: unknown,
  method: string,
  params: Json,
  terms: ModernTerms,
): Question => {
  const { capabilities = {}, principal, meta, headers, signal } = terms
  const name = params['name'] ?? params['uri']
  const envelope = {
    [`${prefix}protocolVersion`]: '2026-07-28',
    [`${prefix}clientCapabilities`]: capabilities,
    [`${prefix}clientInfo`]: { name: 'test', version: '1' },
    ...meta,
  }
  return {
    headers: {
      'mcp-protocol-version': '2026-07-28',
      'mcp-method': method,
      ...(typeof name === 'string' && { 'mcp-name': encodeHeaderValue(name) }),
      ...(principal && { 'x-principal': principal }),
      ...headers,
    },
    body: { jsonrpc: '2.0', id, method, params: { ...params, _meta: envelope } },
    ...(signal && { signal }),
  }
}

/** modernClient speaks 2026-07-28 to this address; ids are `m-1`, `m-2` … */
export const modernClient = (url: string, own: ModernTerms = {}): ModernClient => {
  let ids = 0
  const next = (method: string, params: Json = {}, terms: ModernTerms = {}): Question =>
    questionOf(`m-${++ids}`, method, params, { ...own, ...terms })
  return {
    send: (method, params, terms) => ask(url, next(method, params, terms)),
    stream: (method, params, terms) => follow(url, next(method, params, terms)),
    async tool(name, args = {}, { more, ...terms } = {}) {
      const told = await ask(url, next('tools/call', { name, arguments: args, ...more }, terms))
      return JSON.parse(told.text) as Json
    },
  }
}

/** canAnswer is what a client declares that can be asked for anything. */
export const canAnswer = { elicitation: { form: {}, url: {} }, sampling: {}, roots: {} }
