import { reasonOf, RouterError, shortReason } from '@mcp-router/core'
import { MalformedMessage, requireValid } from '@mcp-router/protocol'
import type { Message } from '@mcp-router/protocol'
import { BadAnswer, SessionLost, wasNeverSent } from '@mcp-router/upstream'
import { isBroken } from './outcome.js'

/** failureOf says what a broken-off exchange with an Endpoint means to the client: it never arrived, or its outcome is unknown. */
export const failureOf = (backend: string, thrown: unknown): RouterError => {
  if (thrown instanceof RouterError) return thrown
  if (thrown instanceof MalformedMessage) return malformed(thrown)
  if (thrown instanceof SessionLost) return new RouterError('SESSION_NOT_FOUND', {}, thrown)
  if (thrown instanceof BadAnswer) {
    return new RouterError('UPSTREAM_BAD_ANSWER', { backend, reason: thrown.message }, thrown)
  }
  const code = wasNeverSent(thrown) ? 'NO_HEALTHY_ENDPOINT' : 'UPSTREAM_FAILED'
  return new RouterError(code, { backend, reason: reasonOf(thrown) }, thrown)
}

/** malformed tells a client why its body is no JSON-RPC message. */
export const malformed = (error: MalformedMessage): RouterError =>
  error.kind === 'not-json'
    ? new RouterError('PARSE_ERROR', {}, error)
    : new RouterError('INVALID_REQUEST', { reason: error.message }, error)

/** explained finds the client's part in an Endpoint's refusal: only the envelope of its message was checked before. */
export const explained = (error: Error, message: Message): Error => {
  if (!(error instanceof RouterError) || error.code !== 'UPSTREAM_BAD_ANSWER') return error
  try {
    requireValid(message)
    return error
  } catch (cause) {
    return cause instanceof MalformedMessage ? cause : error
  }
}

/** unasked is why an Endpoint could not be asked what it speaks. Where the connection broke, it has none of the call. */
export const unasked = (backend: string, thrown: unknown): RouterError => {
  if (thrown instanceof RouterError || !isBroken(thrown)) return failureOf(backend, thrown)
  return new RouterError('NO_HEALTHY_ENDPOINT', { backend, reason: shortReason(thrown) }, thrown)
}
