import { RouterError } from '@mcp-router/core'
import { MalformedMessage, toolNameOf } from '@mcp-router/protocol'
import type { Message } from '@mcp-router/protocol'
import { BadAnswer, mayTryElsewhere, SessionLost } from '@mcp-router/upstream'

/** Sent is what is known of a request that was sent and whose answer will not come. */
export interface Sent {
  /** None where a successor knows no more than its id. */
  readonly message?: Message | undefined
  /** X-Request-Id */
  readonly requestId?: string
  /** ms since the epoch */
  readonly at?: number
  /** It was sent a second time, with the same outcome. */
  readonly isRepeated?: boolean
  /** The rest of "…, and": what happened to it. */
  readonly reason?: string
}

/** outcomeUnknown tells that a request may have been executed, and that it is not sent again. */
export const outcomeUnknown = (
  { message, requestId, at, isRepeated = false, reason }: Sent,
  cause?: unknown,
): RouterError => {
  const tool = message && toolNameOf(message)
  const data = {
    ...(requestId !== undefined && { requestId }),
    ...(message && { method: message.method }),
    ...(tool !== undefined && { tool }),
    ...(at !== undefined && { sentAt: new Date(at).toISOString() }),
    repeated: isRepeated,
    reason: reason ?? 'the instance stopped before responding',
  }
  return new RouterError('OUTCOME_UNKNOWN', data, cause)
}

/** wasNotExecuted tells that no server has taken a message: it had forgotten the session, or was not there. */
export const wasNotExecuted = (error: unknown): boolean =>
  error instanceof SessionLost || mayTryElsewhere(error)

/** How often a message that no server has taken is sent again: a server may refuse what it has taken. */
export const maxResends = 2

/** isBroken tells that an Endpoint, or the way to it, went away with a request that had been sent. */
export const isBroken = (error: unknown): boolean => {
  if (error instanceof RouterError) {
    // One that did not answer in time would not do so the next time.
    const isLost = error.code === 'OPENING_FAILED' && error.data['late'] !== true
    return isLost || error.code === 'UPSTREAM_FAILED'
  }
  if (error instanceof MalformedMessage || error instanceof BadAnswer) return false
  return !wasNotExecuted(error)
}
