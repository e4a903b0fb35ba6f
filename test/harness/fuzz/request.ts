import type { OutgoingHttpHeaders } from 'node:http'
import type { Random } from '@mcp-router/testkit/random'
import { mutateBody } from './body.js'
import { legacyEnvelope, modernEnvelope } from './envelope.js'
import type { Sessions } from './envelope.js'

/** Sent is one request of the run. */
export interface Sent {
  readonly method: string
  readonly path: string
  readonly headers: OutgoingHttpHeaders
  /** As it goes over the wire: half a pair of surrogates has become U+FFFD. */
  readonly body: Buffer
}

/** nextRequest makes the nth request of a run: most are spoilt in one or two places, some are sound. */
export const nextRequest = (random: Random, n: number, sessions: Sessions): Sent => {
  const sound = random.chance(0.5) ? legacyEnvelope(random, n, sessions) : modernEnvelope(random, n)
  const spoilt = random.below(10)
  const text = spoilt < 6 ? mutateBody(random, sound.text) : sound.text
  const body = typeof text === 'string' ? Buffer.from(text) : text
  const headers = spoilt === 0 || spoilt > 6 ? mutateHeaders(random, sound.headers) : sound.headers
  if (random.chance(0.95)) return { method: 'POST', path: sound.path, headers, body }
  const stranger = Object.entries(headers).filter(([name]) => name !== 'mcp-session-id')
  return elsewhere(random, {
    ...sound,
    method: 'POST',
    headers: Object.fromEntries(stranger),
    body,
  })
}

const nothing = Buffer.alloc(0)

/** elsewhere goes to another address or by another method, with no session that this could end or keep busy. */
const elsewhere = (random: Random, sent: Sent): Sent => {
  if (random.chance(0.3)) {
    const method = random.pick(['GET', 'DELETE', 'PUT', 'PATCH', 'OPTIONS'])
    return { ...sent, method, body: method === 'GET' || method === 'DELETE' ? nothing : sent.body }
  }
  const path = random.pick([
    '/mcp/nobody',
    '/mcp/legacy',
    '/mcp/modern',
    '/mcp/router/route/legacy',
    '/mcp/router/route/legacy/timeout/5',
    '/mcp/router/route/modern',
    '/mcp/router/route/modern/timeout/5',
    '/sse/modern',
    '/mcp/legacy/message?sessionId=nobody',
    '/mcp/message',
    '/sse/legacy',
    '/mcp/%00',
    '/mcp/constructor',
  ])
  return { ...sent, path }
}

const names = [
  'content-type',
  'accept',
  'mcp-session-id',
  'mcp-protocol-version',
  'mcp-method',
  'mcp-name',
  'mcp-param-region',
  'traceparent',
  'last-event-id',
  'x-request-id',
] as const

const oddHeaderValues = [
  '',
  ' ',
  'é\u00ff',
  'x'.repeat(4_000),
  '2026-07-28',
  '2025-03-26',
  '2025-06-18',
  '1999-12-31',
  '2026-07-28, 2025-11-25',
  'tools/list',
  'tools/call',
  'text/plain',
  'application/json; charset=utf-16',
  'application/json, text/event-stream',
  '*/*',
  '6f1f7a0e-0000-4000-8000-000000000000',
  '__proto__',
  '=?base64?dGVzdA==?=',
  '=?base64?dGVzdA?=',
  '=?base64?!!!?=',
  '=?base64??=',
  '=?BASE64?dGVzdA==?=',
  '=?base64?/w==?=',
] as const

/** mutateHeaders takes one away, gives one another value, or sends one twice. */
const mutateHeaders = (random: Random, headers: OutgoingHttpHeaders): OutgoingHttpHeaders => {
  const name = random.pick(names)
  const { [name]: value, ...rest } = headers
  if (random.chance(0.2)) return rest
  const odd = random.pick(oddHeaderValues)
  return random.chance(0.2)
    ? { ...rest, [name]: [String(value ?? odd), odd] }
    : { ...rest, [name]: odd }
}
