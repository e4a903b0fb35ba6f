import type { Message } from '@mcp-router/protocol'
import type { Context } from '../../context.js'
import type { SessionEntry } from '../../sessions/entry.js'
import { unmarked } from '../../sessions/question-id.js'

/**
 * ownAnswer is a client's answer as the session at the server of a portable Session knows it; undefined: the one that asked is gone. Another Instance
 * may have opened a later one, of which this one has not heard. It rejects with SESSION_NOT_FOUND.
 */
export const ownAnswer = async (
  { sessions }: Context,
  held: SessionEntry,
  answer: Message,
): Promise<Message | undefined> => {
  const own = unmarked(answer, held.record.backendSessionId)
  if (own) return own
  await sessions.refresh(held)
  return unmarked(answer, held.record.backendSessionId)
}
