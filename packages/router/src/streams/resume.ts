import { errorBytes } from '@mcp-router/protocol'
import type { Message } from '@mcp-router/protocol'
import type { Context } from '../context.js'
import type { Incoming } from '../http/incoming.js'
import { outcomeUnknown } from '../calls/outcome.js'
import { respondEmpty } from '../http/respond.js'
import type { SessionEntry } from '../sessions/entry.js'
import { formOf } from './replay.js'
import type { Place } from './replays.js'
import { emitSession } from '../sessions/session-events.js'
import { openStream } from '../outlet/stream.js'
import type { Stream } from '../outlet/stream.js'

/**
 * resume carries a stream on from where the client left off. On one that is over for it, 204 tells it not to come again (HTML,
 * server-sent events): to an empty stream it would.
 */
export const resume = (
  context: Context,
  incoming: Incoming,
  held: SessionEntry,
  { replay, after }: Place,
): void => {
  if (replay.isOverAt(after)) {
    respondEmpty(incoming, 204)
    return
  }
  const stream = openCounted(context, incoming, held, () => replay.detach(stream))
  replay.attach(stream, formOf(held.record), after)
  emitSession(
    context.deps.events,
    held.record,
    'resumed',
    'its client came back for what it missed',
  )
}

/** unknownAnswer answers a request, known by its id (JSON text) or as it came, that nobody can answer any more. */
export const unknownAnswer = (id: string, message?: Message, isRepeated = false): Buffer => {
  const { rpc, message: text, publicData } = outcomeUnknown({ message, isRepeated })
  return errorBytes(id, rpc, text, publicData)
}

/** tellOn answers on a stream that the client opened for the rest of an earlier one, and ends it. */
export const respondOnStream = (
  context: Context,
  incoming: Incoming,
  held: SessionEntry,
  answer: Buffer,
): void => {
  const stream = openCounted(context, incoming, held, () => undefined)
  stream.message(answer)
  stream.end()
}

/** openCounted opens a Stream that keeps its Session alive. */
export const openCounted = (
  context: Context,
  incoming: Incoming,
  held: SessionEntry,
  onClosed: () => void,
): Stream => {
  const { id, backend } = held.record
  const { events } = context.deps
  held.streams++
  events.emit({ kind: 'stream', action: 'opened', session: id, backend })
  return openStream(incoming.res, context.keep, () => {
    held.streams--
    held.used = true
    held.usedAt = Date.now()
    events.emit({ kind: 'stream', action: 'closed', session: id, backend })
    incoming.done(200, 'ok')
    onClosed()
  })
}
