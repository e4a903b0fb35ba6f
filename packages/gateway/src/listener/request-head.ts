import type { IncomingHttpHeaders } from 'node:http'
import { remembered } from '@mcp-router/core'

/** RequestHead is the head of a plain request (readRequestHead). */
export interface RequestHead {
  readonly method: 'POST' | 'GET' | 'DELETE'
  /** Path and query. */
  readonly url: string
  readonly headers: IncomingHttpHeaders
  /** As they came: name, value, name, value. */
  readonly rawHeaders: readonly string[]
  readonly bodyBytes: number
}

/** So many bytes a plain body may have; a longer one is not held here. */
export const longestBodyBytes = 64 * 1024

/** Tabs, control characters, and bytes that one parser takes for Latin-1 and another for UTF-8. */
const odd = /[^\x20-\x7e\r\n]/
const space = 0x20

/**
 * readRequestHead reads the head of a request, without the empty line at its end, where nothing about it can be read in two ways (RFC 9112
 * §2.2, §3, §5, §6.3, §11.2): HTTP/1.1, one Host, CRLF, one space after each colon, no field twice, a body of one Content-Length or none, no
 * transfer coding, and a connection that stays open. Undefined: it is another one, and node:http is to judge it.
 */
export const readRequestHead = (text: string): RequestHead | undefined => {
  if (odd.test(text)) return undefined
  const firstEnd = text.indexOf('\r')
  const method = methodOf(text)
  if (!method || firstEnd < 0 || text.indexOf('\n') !== firstEnd + 1) return undefined
  const urlFrom = method.length + 1
  const urlTo = firstEnd - ' HTTP/1.1'.length
  if (!text.startsWith(' HTTP/1.1\r\n', urlTo) || text.charCodeAt(urlFrom) !== 0x2f)
    return undefined
  const url = text.slice(urlFrom, urlTo)
  if (url.includes(' ')) return undefined
  const headers = noFields()
  const rawHeaders: string[] = []
  for (let at = firstEnd + 2; at < text.length;) {
    const found = text.indexOf('\r', at)
    const end = found < 0 ? text.length : found
    const feed = text.indexOf('\n', at)
    // A lone CR or LF ends a line for some.
    if (feed !== (found < 0 ? -1 : found + 1)) return undefined
    const colon = text.indexOf(':', at)
    if (colon < 0 || colon + 1 >= end || text.charCodeAt(colon + 1) !== space) return undefined
    const raw = text.slice(at, colon)
    const name = fieldName(raw)
    const value = text.slice(colon + 2, end)
    if (name === '' || !isPlainValue(value) || headers[name] !== undefined) return undefined
    headers[name] = value
    rawHeaders.push(raw, value)
    at = end + 2
    // The text ends without a line end.
    if (at === text.length) return undefined
  }
  const bodyBytes = bodyBytesOf(method, headers)
  return bodyBytes === undefined ? undefined : { method, url, headers, rawHeaders, bodyBytes }
}

const methodOf = (text: string): RequestHead['method'] | undefined => {
  if (text.startsWith('POST ')) return 'POST'
  if (text.startsWith('GET ')) return 'GET'
  return text.startsWith('DELETE ') ? 'DELETE' : undefined
}

/** The value of a field may be empty; blanks around it are no part of it, which is for others to find out. */
const isPlainValue = (value: string): boolean =>
  value.charCodeAt(0) !== space && value.charCodeAt(value.length - 1) !== space

const token = /^[A-Za-z0-9!#$%&'*+.^_`|~-]+$/
/** What changes how a request or its connection is to be read, and what node:http treats in a way of its own. */
const unusual: ReadonlySet<string> = new Set([
  ...['transfer-encoding', 'te', 'trailer', 'expect', 'upgrade', 'http2-settings', 'keep-alive'],
  ...['proxy-connection', 'set-cookie', 'origin', '__proto__', 'constructor'],
])

/** fieldName is the name in lower case; empty: a field that is not for here. */
const fieldName = remembered(1_000, (raw: string): string => {
  const name = raw.toLowerCase()
  return token.test(raw) && !unusual.has(name) ? name : ''
})

const wholeNumber = /^(?:0|[1-9]\d{0,7})$/

type Fields = Record<string, string | undefined>

/** Those that nearly every request has are there from the start, so that all have one hidden class. */
const noFields = (): Fields => ({
  host: undefined,
  accept: undefined,
  connection: undefined,
  authorization: undefined,
  'content-type': undefined,
  'content-length': undefined,
  'user-agent': undefined,
  'accept-encoding': undefined,
  'mcp-session-id': undefined,
  'mcp-protocol-version': undefined,
  'last-event-id': undefined,
  'x-request-id': undefined,
})

/** bodyBytesOf is the length of the body; undefined: it, or the end of the connection, is for others to find out. */
const bodyBytesOf = (method: string, headers: Fields): number | undefined => {
  const { connection } = headers
  if (!headers['host']) return undefined
  if (connection !== undefined && connection.toLowerCase() !== 'keep-alive') return undefined
  const length = headers['content-length']
  if (method !== 'POST') return length === undefined ? 0 : undefined
  if (length === undefined || !wholeNumber.test(length)) return undefined
  const bytes = Number(length)
  return bytes <= longestBodyBytes ? bytes : undefined
}
