import type { Context } from '../downstream/context.js'
import type { Message } from '@mcp-router/protocol'
import { endSession } from '@mcp-router/upstream'
import type { Incoming } from '../incoming.js'
import type { HeldSession } from './held.js'
import { learnPortable } from './list-changes.js'
import { httpEndpoint, PortableRelay } from './portable-relay.js'
import { resumePortable } from './portable-resume.js'
import { readForeign } from './replays.js'

/** passPortable sends a message of a portable Session to its Endpoint, and the answer back, byte by byte. */
export const passPortable = (
  context: Context,
  incoming: Incoming,
  held: HeldSession,
  message: Message,
): void => {
  context.portableReplays.requireRoom(held.record.id)
  if (!held.looked) learnPortable(context, held, message)
  new PortableRelay(context, incoming, held, message).send()
}

/**
 * followPortable opens the Endpoint's own GET stream for the client: its events and ids are the Endpoint's. With the id of an event that an
 * Instance numbered it carries on the stream of that event.
 */
export const followPortable = async (
  context: Context,
  incoming: Incoming,
  held: HeldSession,
): Promise<void> => {
  const lastEventId = incoming.req.headers['last-event-id']
  const event = typeof lastEventId === 'string' ? readForeign(lastEventId) : undefined
  if (event?.instance !== undefined)
    return resumePortable(context, incoming, held, String(lastEventId), event)
  const { id, backend } = held.record
  held.streams++
  const { events } = context.deps
  events.emit({ kind: 'stream', action: 'opened', session: id, backend })
  incoming.whenClosed(() => {
    held.streams--
    held.used = true
    held.usedAt = Date.now()
    events.emit({ kind: 'stream', action: 'closed', session: id, backend })
  })
  new PortableRelay(context, incoming, held, undefined).send()
}

/** endPortable ends the Session here and at its Endpoint. */
export const endPortable = async (context: Context, held: HeldSession): Promise<void> => {
  const { backendSessionId, revision } = held.record
  await context.sessions.end(held, 'DELETE by the client')
  if (!backendSessionId) return
  await endSession(context.deps.client, httpEndpoint(held), backendSessionId, revision)
}
