import type { Backend } from '@mcp-router/core'
import { didOf, RouterError, shortReason } from '@mcp-router/core'
import type { Message } from '@mcp-router/protocol'
import { outcomeUnknown } from './outcome.js'
import { isRetrySafe } from './retry-safe.js'
import type { ToolSources } from './retry-safe.js'

/** A request that may run twice is sent so often again at most when an Endpoint goes away with it. */
const maxRepeats = 3

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
  tools: ToolSources,
  broken: Broken,
): Promise<RouterError | undefined> => {
  const { backend, message, error, repeats } = broken
  const reason = shortReason(error)
  const did = didOf(error)
  const isSafe = await isRetrySafe(tools, backend, message).catch(() => false)
  if (isSafe && repeats < maxRepeats) return undefined
  if (error instanceof RouterError && error.code === 'OPENING_FAILED') return error
  if (isSafe)
    return new RouterError('UPSTREAM_FAILED', { backend: backend.name, reason, did }, error)
  const what = `server "${backend.name}" ${did} (${reason})`
  return outcomeUnknown({ ...broken, reason: what }, error)
}
