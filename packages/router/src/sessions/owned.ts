import type { SessionId } from '@mcp-router/core'
import { RouterError } from '@mcp-router/core'
import { requireValid } from '@mcp-router/protocol'
import type { Message } from '@mcp-router/protocol'
import type { Context } from '../downstream/context.js'
import type { Incoming } from '../incoming.js'
import { respondEmpty } from '../respond.js'
import type { HeldSession } from './held.js'
import { LiveSession } from './live.js'
import { openReply } from './reply.js'
import type { Reply } from './reply.js'
import { openStream } from './stream.js'

/** openLive makes the live part of an owned Session; when its Upstream ends by itself, the Session ends. */
export const openLive = (context: Context, backend: string, id: SessionId): LiveSession => {
  const { deps, sessions } = context
  const settle = (doing: string, done: Promise<unknown>): void => {
    done.catch((error: unknown) => {
      if (error instanceof Error) deps.events.emit({ kind: 'fault', doing, error })
    })
  }
  return new LiveSession(backend, {
    onEnd() {
      const held = sessions.held(id)
      if (held) settle(`ending session ${id}`, sessions.end(held))
    },
    onAgreed(revision) {
      const held = sessions.held(id)
      if (held) settle(`noting the revision of ${id}`, sessions.change(held, { revision }))
    },
  })
}

/** passOwned sends a message to the Upstream that this Instance owns; a request is answered by its Reply. */
export const passOwned = async (
  context: Context,
  incoming: Incoming,
  held: HeldSession,
  message: Message,
): Promise<void> => {
  const live = liveOf(held)
  requireValid(message)
  if (message.kind !== 'request') {
    await live.tell(message)
    respondEmpty(incoming, 202)
    return
  }
  const reply: Reply = openReply(incoming, context.keep, () => live.release(reply))
  await live.request(message, reply)
}

/** followOwned makes this response the client's Stream (GET): it carries what the server says outside of calls. */
export const followOwned = (context: Context, incoming: Incoming, held: HeldSession): void => {
  const live = liveOf(held)
  openSessionStream(context, incoming, held, live)
}

/** endOwned ends the Session with its Upstream. */
export const endOwned = (context: Context, held: HeldSession): Promise<void> =>
  context.sessions.end(held)

/** openSessionStream opens a Stream, counts it, and attaches it to the LiveSession. */
export const openSessionStream = (
  context: Context,
  incoming: Incoming,
  held: HeldSession,
  live: LiveSession,
  first?: Buffer,
  onClosed?: () => void,
): void => {
  const { id, backend } = held.record
  const { events } = context.deps
  held.streams++
  events.emit({ kind: 'stream', action: 'opened', session: id, backend })
  const stream = openStream(incoming.res, context.keep, () => {
    live.detach(stream)
    held.streams--
    held.used = true
    held.usedAt = Date.now()
    events.emit({ kind: 'stream', action: 'closed', session: id, backend })
    incoming.done(200, 'ok')
    onClosed?.()
  })
  if (first) stream.frame(first)
  live.attach(stream)
}

/** liveOf is what the Owner holds of a Session; it is gone when the Upstream ended this moment. */
export const liveOf = (held: HeldSession): LiveSession => {
  if (!held.live) throw new RouterError('SESSION_NOT_FOUND')
  return held.live
}
