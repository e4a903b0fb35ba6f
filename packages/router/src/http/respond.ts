import { asRouterError, retryStream, retryStreamAt } from '@mcp-router/core'
import type { RouterError } from '@mcp-router/core'
import { errorBytes, messageFrame } from '@mcp-router/protocol'
import type { Refusal } from '@mcp-router/protocol'
import type { Incoming } from './incoming.js'
import type { EdgeResponse } from './edge.js'

const json = 'application/json'

/** Up to this many bytes are cheaper as text: node:http then writes head and body as one string, not as two buffers. */
const textLimitBytes = 16 * 1024

/** endWith ends a response with a last, or its only, piece of body. Latin-1 maps every byte to itself. */
export const endWith = (res: EdgeResponse, body: Buffer | undefined): void => {
  if (!body) res.end()
  else if (body.length > textLimitBytes) res.end(body)
  else res.end(body.toString('latin1'), 'latin1')
}

/** respondJson answers with one JSON body, or with the last event of a stream that has begun, and ends the call. */
export const respondJson = (
  incoming: Incoming,
  status: number,
  body: Buffer,
  headers: readonly string[] = [],
  outcome = 'ok',
): void => {
  const { res } = incoming
  if (res.headersSent) {
    endBegun(incoming, body)
    incoming.done(200, outcome)
    return
  }
  res.writeHead(status, ['content-type', json, 'content-length', String(body.length), ...headers])
  endWith(res, body)
  incoming.done(status, outcome)
}

/** respondEmpty answers without a body: 202 for what was accepted, 204 for what is done. */
export const respondEmpty = (incoming: Incoming, status: number): void => {
  incoming.res.writeHead(status, ['content-length', '0'])
  incoming.res.end()
  incoming.done(status, 'ok')
}

const accepted = Buffer.from('{"status":"accepted"}')

/** respondAccepted answers a POST whose response comes on the Stream. */
export const respondAccepted = (incoming: Incoming): void => respondJson(incoming, 202, accepted)

/** respondRefusal answers a modern request that breaks the rules of its envelope or headers, with exactly what the spec says. */
export const respondRefusal = (incoming: Incoming, refusal: Refusal): void => {
  const { status, code, message, data } = refusal
  const body = errorBytes(incoming.id, code, message, data)
  incoming.done(status, `REFUSED_${Math.abs(code)}`)
  incoming.res.writeHead(status, ['content-type', json, 'content-length', String(body.length)])
  endWith(incoming.res, body)
}

/** respondError is the one exit of every error: HTTP status, headers and a JSON-RPC error that carries the request's id. */
export const respondError = (incoming: Incoming, thrown: unknown): void => {
  const error = asRouterError(thrown)
  if (isForLater(incoming, error) && comesBack(incoming)) {
    respondRetry(incoming, error)
    return
  }
  const { res } = incoming
  incoming.done(res.destroyed ? 499 : error.status, error.code, error)
  const body = errorBody(incoming, error)
  if (res.headersSent) {
    endBegun(incoming, body)
    return
  }
  const headers = ['content-type', json, 'content-length', String(body.length)]
  headers.push(...headersOf(error))
  if (!incoming.req.complete) headers.push('connection', 'close')
  res.writeHead(error.status, headers)
  res.end(body)
}

/** What is not known of a batch is told under the id of each of its requests. */
const errorBody = (
  { id, requests }: Incoming,
  { code, rpc, message, publicData }: RouterError,
): Buffer =>
  requests && code === 'OUTCOME_UNKNOWN'
    ? arrayOf(requests.map((each) => errorBytes(each.id, rpc, message, publicData)))
    : errorBytes(id, rpc, message, publicData)

const comma = Buffer.from(',')

/** arrayOf writes messages as one JSON array, each as it came. */
export const arrayOf = (messages: readonly Buffer[]): Buffer => {
  const parts = messages.flatMap((message, at) => (at === 0 ? [message] : [comma, message]))
  return Buffer.concat([Buffer.from('['), ...parts, Buffer.from(']')])
}

/** To a client of 2024-11-05 its stream is its session: it may come for it as long as that is to be had at all. */
const isForLater = ({ downstream }: Incoming, { status, code }: RouterError): boolean =>
  status === 503 || (code === 'DEADLINE_PASSED' && downstream === 'sse')

/** comesBack tells that a client which had a stream asks for it again. A client that is refused then never comes again. */
const comesBack = ({ req: { method, url = '', headers }, ...incoming }: Incoming): boolean =>
  method === 'GET' &&
  // Its stream has begun with an event id, and its client waits for the answer to a call.
  !incoming.resumed &&
  (incoming.downstream === 'sse' || incoming.downstream === 'http') &&
  Boolean(
    headers['last-event-id'] ?? headers['mcp-protocol-version'] ?? /[?&]clientId=[^&]/.test(url),
  )

/**
 * respondRetry answers a GET of a client that had a stream before with one that ends at once: EventSource opens it again after `retry`, but gives
 * up for good after an error (HTML, server-sent events §9.2.2), and clients of the official SDK after two.
 */
const respondRetry = (incoming: Incoming, error: RouterError): void => {
  const { res } = incoming
  incoming.done(res.destroyed ? 499 : 200, error.code, error)
  if (res.headersSent) {
    res.end()
    return
  }
  res.writeHead(200, [
    'content-type',
    'text/event-stream',
    'cache-control',
    'no-cache, no-transform',
  ])
  const lastEventId = incoming.req.headers['last-event-id']
  const isResuming = incoming.downstream === 'http' && typeof lastEventId === 'string'
  res.end(isResuming ? retryStreamAt(lastEventId) : retryStream)
}

const headersOf = (error: RouterError): string[] => {
  const headers: string[] = []
  if (error.retryAfterS !== undefined) headers.push('retry-after', String(error.retryAfterS))
  if (error.code === 'UNAUTHENTICATED') headers.push('www-authenticate', 'Bearer')
  if (error.code === 'UNSUPPORTED_CODING') headers.push('accept-encoding', 'identity')
  if (error.code === 'METHOD_NOT_ALLOWED') headers.push('allow', String(error.data['allow']))
  return headers
}

/** A stream that has begun tells the error as its last event; another body can only be cut. */
const endBegun = (incoming: Incoming, body: Buffer): void => {
  const { res, streaming } = incoming
  if (streaming && !res.writableEnded) res.end(messageFrame(body))
  else res.destroy()
}
