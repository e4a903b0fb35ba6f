import type { ServerResponse } from 'node:http'
import { asRouterError } from '@mcp-router/core'
import type { RouterError } from '@mcp-router/core'
import { errorBytes, messageFrame } from '@mcp-router/protocol'
import type { Refusal } from '@mcp-router/protocol'
import type { Incoming } from './incoming.js'

const json = 'application/json'

/** Up to this many bytes are cheaper as text: node:http then writes head and body as one string, not as two buffers. */
const textLimitBytes = 16 * 1024

/** endWith ends a response with a last, or its only, piece of body. Latin-1 maps every byte to itself. */
export const endWith = (res: ServerResponse, body: Buffer | undefined): void => {
  if (!body) res.end()
  else if (body.length > textLimitBytes) res.end(body)
  else res.end(body.toString('latin1'), 'latin1')
}

/** respondJson answers with one JSON body and ends the call. */
export const respondJson = (
  incoming: Incoming,
  status: number,
  body: Buffer,
  headers: readonly string[] = [],
  outcome = 'ok',
): void => {
  const { res } = incoming
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
  const { res } = incoming
  incoming.done(res.destroyed ? 499 : error.status, error.code)
  const body = errorBytes(incoming.id, error.rpc, error.message, error.told)
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

const headersOf = (error: RouterError): string[] => {
  const headers: string[] = []
  if (error.retryAfterS !== undefined) headers.push('retry-after', String(error.retryAfterS))
  if (error.code === 'UNAUTHENTICATED') headers.push('www-authenticate', 'Bearer')
  if (error.code === 'METHOD_NOT_ALLOWED') headers.push('allow', String(error.data['allow']))
  return headers
}

/** A stream that has begun tells the error as its last event; another body can only be cut. */
const endBegun = (incoming: Incoming, body: Buffer): void => {
  const { res, streaming } = incoming
  if (streaming && !res.writableEnded) res.end(messageFrame(body))
  else res.destroy()
}
