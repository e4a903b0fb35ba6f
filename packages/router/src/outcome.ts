import type { Backend } from '@mcp-router/core'
import { RouterError, shortReason } from '@mcp-router/core'
import { MalformedMessage, toolNameOf } from '@mcp-router/protocol'
import type { Message } from '@mcp-router/protocol'
import { BadAnswer, mayTryElsewhere, SessionLost } from '@mcp-router/upstream'
import type { Context } from './downstream/context.js'
import { isRetrySafe } from './retry-safe.js'

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

/** A request that may run twice is sent so often again at most when an Endpoint goes away with it. */
const maxRepeats = 3

/** isBroken tells that an Endpoint, or the way to it, went away with a request that had been sent. */
export const isBroken = (error: unknown): boolean => {
  if (error instanceof RouterError) {
    // One that did not answer in time would not do so the next time.
    const isLost = error.code === 'OPENING_FAILED' && error.data['late'] !== true
    return isLost || error.code === 'UPSTREAM_FAILED'
  }
  if (error instanceof SessionLost || error instanceof MalformedMessage) return false
  if (error instanceof BadAnswer) return false
  return !mayTryElsewhere(error)
}

/** Broken is a request that was sent to a Backend in vain. */
interface Broken {
  readonly backend: Backend
  readonly message: Message
  readonly requestId?: string
  /** ms since the epoch */
  readonly at: number
  readonly error: unknown
  /** How often it was sent again so far. */
  readonly repeats: number
}

/** afterBreak decides on it. Undefined: it may run twice, and is to be sent again; else what its client is to be told. */
export const afterBreak = async (
  context: Context,
  broken: Broken,
): Promise<RouterError | undefined> => {
  const { backend, message, error, repeats } = broken
  const reason = shortReason(error)
  const isSafe = await isRetrySafe(context, backend, message).catch(() => false)
  if (isSafe && repeats < maxRepeats) return undefined
  if (error instanceof RouterError && error.code === 'OPENING_FAILED') return error
  if (isSafe) return new RouterError('UPSTREAM_FAILED', { backend: backend.name, reason }, error)
  return outcomeUnknown(
    {
      ...broken,
      reason: `server "${backend.name}" closed the connection before responding (${reason})`,
    },
    error,
  )
}
