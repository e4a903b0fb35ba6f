import { retryStream, retryStreamAt, RouterError } from '@mcp-router/core'
import { quoted } from './quote.js'

// What Nginx answers itself, where no Instance saw or finished the request: JSON-RPC errors, as
// arguments of `return`. Their id is null, as Nginx does not read the message.
const answer = (code: number, message: string): string =>
  quoted(JSON.stringify({ jsonrpc: '2.0', id: null, error: { code, message } }))

const errorAnswer = (error: RouterError): string => answer(error.rpc, error.message)

export const bodyTooLarge = (limit: number): string =>
  errorAnswer(new RouterError('BODY_TOO_LARGE', { limit }))

export const internalPath = errorAnswer(new RouterError('PATH_UNKNOWN', { path: '/internal/' }))

export const unreachable = answer(
  -31503,
  'No instance of the router can be reached; the message was not delivered; retry in a few seconds',
)

export const unauthenticated = errorAnswer(new RouterError('UNAUTHENTICATED'))

export const tooMany = answer(
  -31429,
  'Too many requests at a time from this address; wait until some of them have been answered',
)

/** Nginx reads `\\n` as a line feed. */
const lines = (text: string): string => `"${text.replaceAll('\n', '\\n')}"`

/** What a client gets that opens its stream again, and one that does so behind an event. */
export const comeAgain = lines(retryStream)
export const comeAgainBehind = lines(retryStreamAt('$http_last_event_id'))

export const brokeOff = answer(
  -31502,
  'The router closed the connection before responding; the call may have run',
)
