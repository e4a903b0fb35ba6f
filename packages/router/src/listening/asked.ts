import type { Session, SessionId } from '@mcp-router/core'
import type { Message } from '@mcp-router/protocol'
import { isQuestion } from '../calls/call-deadline.js'
import { noteAsked } from '../calls/silence.js'
import type { Context } from '../context.js'

/**
 * noteAskedOutside is for a question that came on a portable Session's own stream: it names no call, and the one that waits for the answer may be
 * at another Instance. All calls of the Session leave their client its time.
 */
export const noteAskedOutside = (context: Context, { id }: Session, said: Message): void => {
  if (!isQuestion(said)) return
  noteAskedHere(context, id)
  context.deps.broadcast.clientAsked(id)
}

/** noteAskedHere is for the calls at this Instance. */
export const noteAskedHere = ({ listening, deps }: Context, id: SessionId): void => {
  for (const { session, activity } of listening.calls)
    if (session.record.id === id) noteAsked(activity, deps.options.inputTtlMs)
}
