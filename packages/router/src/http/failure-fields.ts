import { RouterError, shortReason } from '@mcp-router/core'
import type { CallEvent } from '@mcp-router/core'

/** Texts of servers and names of clients may be long. */
const longestReason = 200
const longestName = 100

/** failureFields is what a log line tells of an error beside its code. */
export const failureFields = (error: Error): Pick<CallEvent, 'reason' | 'requested'> => {
  const cause = error instanceof RouterError && error.code === 'INTERNAL' ? error.cause : error
  // The message of a SyntaxError quotes the text that it was made of.
  const isQuoting = cause instanceof SyntaxError
  const reason = (isQuoting ? cause.name : shortReason(cause)).slice(0, longestReason)
  if (!(error instanceof RouterError) || error.code !== 'BACKEND_UNKNOWN') return { reason }
  return { reason, requested: String(error.data['backend']).slice(0, longestName) }
}
