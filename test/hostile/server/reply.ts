import { brotliCompressSync, deflateSync, gzipSync } from 'node:zlib'
import type { Random } from '@mcp-router/testkit/random'
import { oddEvents, soundEvents } from './event-bytes.js'

/** Reply is an HTTP response before it is written. */
export interface Reply {
  status: string
  readonly headers: [name: string, value: string][]
  body: Buffer
}

/** replyOf carries messages as JSON or as a stream. More than one goes as a stream. */
export const replyOf = (random: Random, messages: readonly Buffer[], odd: boolean): Reply => {
  const [only] = messages
  const asStream = messages.length > 1 || random.chance(0.5)
  if (!asStream || !only) {
    const type = odd ? random.pick(oddTypes) : 'application/json'
    return { status: '200 OK', headers: headersOf(type), body: only ?? Buffer.alloc(0) }
  }
  const body = odd ? oddEvents(random, messages) : soundEvents(messages)
  const type = odd && random.chance(0.3) ? random.pick(oddTypes) : 'text/event-stream'
  return { status: '200 OK', headers: headersOf(type), body }
}

const headersOf = (type: string | undefined): Reply['headers'] =>
  type === undefined ? [] : [['Content-Type', type]]

const oddTypes: readonly [string, ...(string | undefined)[]] = [
  'Text/Event-Stream',
  'text/event-stream; charset=utf-8; x="a;b"',
  'text/event-stream, application/json',
  'application/json, text/event-stream',
  'APPLICATION/JSON;charset=UTF-16',
  'application/json;',
  'application/jsonx',
  'text/html; charset=iso-8859-1',
  'text/plain',
  'multipart/mixed; boundary=x',
  'application/octet-stream',
  '*/*',
  '',
  ';',
  undefined,
]

/** withOddStatus gives another status, with the same body, none, or a page. */
export const withOddStatus = (random: Random, reply: Reply, mark: string): void => {
  reply.status = random.pick(statuses)
  if (random.chance(0.3)) {
    const places = ['/mcp', `//${mark}.invalid/`, 'http://127.0.0.1:1/', 'file:///etc/passwd', '']
    reply.headers.push(['Location', random.pick([`/${mark}`, ...places])])
  }
  const shape = random.below(4)
  if (shape === 0) reply.body = Buffer.alloc(0)
  if (shape === 1) {
    reply.headers.splice(0, Infinity, ['Content-Type', 'text/html'])
    reply.body = Buffer.from(`<h1>${mark}</h1>`)
  }
  if (shape === 2) {
    const texts = ['Session not found', 'No valid session ID provided', 'Server not initialized']
    const error = { code: -32000, message: random.pick(['', ...texts]), data: mark }
    reply.headers.splice(0, Infinity, ['Content-Type', 'application/json'])
    reply.body = Buffer.from(JSON.stringify({ jsonrpc: '2.0', id: null, error }))
  }
}

const statuses: readonly [string, ...string[]] = [
  '200 OK',
  ...['201 Created', '202 Accepted', '204 No Content', '205 Reset Content', '206 Partial Content'],
  ...['301 Moved', '302 Found', '303 See Other', '304 Not Modified', '307 Again', '308 Again'],
  ...['400 Bad Request', '401 Unauthorized', '402 Pay', '403 Forbidden', '404 Not Found'],
  ...['405 Method Not Allowed', '406 Not Acceptable', '408 Timeout', '409 Conflict', '410 Gone'],
  ...['413 Too Large', '415 Type', '421 Misdirected', '425 Early', '429 Too Many', '431 Large'],
  ...['499 Closed', '500 Error', '501 Not Implemented', '502 Bad Gateway', '503 Unavailable'],
  ...['504 Timeout', '599 Odd', '999 Odd', '99 Odd', '000 Odd', '-1 Odd', '2000 Odd', ''],
  ...['200', '200  Spaced  Out ', '200 \u0001', '200 OK\rX: y', `200 ${'x'.repeat(20_000)}`],
]

/** withOddCoding codes the body in a way that nobody asked for, or says that it did. */
export const withOddCoding = (random: Random, reply: Reply): void => {
  const code = random.pick(codings)
  reply.headers.push(...code(reply))
}

type Coding = (reply: Reply) => readonly [string, string][]

const coded =
  (name: string, code: (body: Buffer) => Buffer): Coding =>
  (reply) => {
    reply.body = code(reply.body)
    return [['Content-Encoding', name]]
  }
const asIs = (body: Buffer): Buffer => body

/** What blows up a thousandfold. */
const bomb = (): Buffer => gzipSync(Buffer.alloc(100 * 1_048_576, ' '), { level: 1 })

const codings: readonly [Coding, ...Coding[]] = [
  coded('gzip', gzipSync),
  coded('GZip', gzipSync),
  coded('deflate', deflateSync),
  coded('br', brotliCompressSync),
  coded('gzip, gzip', (body) => gzipSync(gzipSync(body))),
  coded('gzip', (body) => gzipSync(body).subarray(0, -9)),
  coded('gzip', (body) => Buffer.concat([gzipSync(body), Buffer.from('behind it')])),
  coded('gzip', asIs),
  coded('br', asIs),
  coded('zstd', asIs),
  coded('identity', asIs),
  coded('x-odd', asIs),
  coded('gzip,'.repeat(2_000), asIs),
  coded('gzip', bomb),
]
