import { setTimeout as wait } from 'node:timers/promises'
import type { Context } from '../../context.js'
import type { Message } from '@mcp-router/protocol'
import { discard, endSession } from '@mcp-router/upstream'
import type { Incoming } from '../../http/incoming.js'
import type { SessionEntry } from '../../sessions/entry.js'
import { PortableCall } from './portable-call.js'
import { PortableOutlet } from './portable-outlet.js'
import { PortableStream } from './portable-stream.js'
import type { OwnStream } from '../../listening/own-streams.js'
import { httpEndpoint } from './portable-request.js'
import { resumePortable } from './portable-resume.js'
import { readForeign } from '../../streams/replays.js'

/** passPortable sends a message of a portable Session to its Endpoint, and the answer back, byte by byte. */
export const passPortable = (
  context: Context,
  incoming: Incoming,
  held: SessionEntry,
  message: Message,
): void => {
  context.portableReplays.requireRoom(held.record.id)
  const outlet = new PortableOutlet(context, incoming, held, message)
  const call = new PortableCall(context, incoming, held, message, outlet)
  outlet.source = call
  call.start(context.keep.periodMs)
}

/**
 * followPortable opens the Endpoint's own GET stream for the client: its events and ids are the Endpoint's. With the id of an event that an
 * Instance numbered it carries on the stream of that event.
 */
export const followPortable = async (
  context: Context,
  incoming: Incoming,
  held: SessionEntry,
): Promise<void> => {
  if (context.draining && !incoming.handedOff && (await context.peers.hasOthers())) {
    // It would be ended in a moment, and the Endpoint's with it: Nginx sends it on.
    incoming.done(503, 'DRAINING')
    incoming.req.socket.destroy()
    return
  }
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
  const isFollowed = (each: OwnStream): boolean =>
    each instanceof PortableStream && each.follow(incoming, held.record.backendSessionId)
  if (lastEventId === undefined && context.listening.streams.of(id).some(isFollowed)) return
  const open = (): Promise<void> =>
    new PortableStream(context, incoming, held).open(() => discard(open()))
  return open()
}

/** How long a drain waits for clients to open their streams at other Instances, ms: those of the official SDKs do so after 1 s. */
const keptMs = 3_000
const pollMs = 20

/**
 * keepStreams ends the clients' streams of portable Sessions, and keeps the Endpoints' until the clients have theirs at other Instances, or the
 * time is up.
 */
export const keepStreams = async (context: Context, limitMs: number): Promise<void> => {
  const { streams } = context.listening
  const giveUpAt = performance.now() + Math.min(limitMs, keptMs)
  if (limitMs === 0 || !(await context.peers.hasOthers())) return
  for (const [, stream] of streams) stream.leave()
  context.peers.leave()
  const areKept = (): boolean => [...streams].some(([, { isDetached }]) => isDetached)
  while (areKept() && performance.now() < giveUpAt) await wait(pollMs)
}

/** endPortable ends the Session here and at its Endpoint. */
export const endPortable = async (context: Context, held: SessionEntry): Promise<void> => {
  const { backendSessionId: sessionId, revision, cookies } = held.record
  await context.sessions.end(held, 'DELETE by the client')
  if (!sessionId || held.isReplaced) return
  await endSession(context.deps.client, httpEndpoint(held), { sessionId, revision, cookies })
}
