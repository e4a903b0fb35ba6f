import type { Backend, Endpoint, Session } from '@mcp-router/core'
import { newSessionId, RouterError } from '@mcp-router/core'
import { eventFrame } from '@mcp-router/protocol'
import { discard } from '@mcp-router/upstream'
import { openWithFailover } from '../calls/failover.js'
import type { Incoming } from '../http/incoming.js'
import { publicPrefix } from '../http/public-prefix.js'
import type { LiveSession } from '../path/owned/live.js'
import { atOwner } from '../sessions/owner.js'
import type { SessionEntry } from '../sessions/entry.js'
import { liveOf, openLive } from '../path/owned/owned.js'
import { adoptHandshake, mayAdopt } from '../sse/adoption.js'
import type { Fingerprint } from '../sse/fingerprint.js'
import { formOf } from '../streams/replay.js'
import { openCounted } from '../streams/resume.js'
import { redeliver } from '../sse/redeliver.js'
import { emitReturn } from '../sse/return.js'
import { beginStream } from '../outlet/stream.js'
import { writeStreamId } from '../streams/stream-id.js'
import { emitSession } from '../sessions/session-events.js'
import { noteBackend, requireBackend } from '../context.js'
import { bearerOf, findOrNone, recognise, returned, revisionOf } from './recognise.js'
import type { Caller, Stranger } from './recognise.js'
import type { Context } from '../context.js'

/** How long a client should wait before it opens a broken stream again, ms. */
const retryMs = 500

/**
 * serveSse answers `GET /sse/<server>` (spec 2024-11-05, transports): the Stream is the Session, this Instance its Owner; its first
 * event says where to POST. A client that proves which Session it had finds it again when its connection, or the Owner, was lost.
 */
export const serveSse = async (
  context: Context,
  incoming: Incoming,
  name: string,
  clientId: string,
): Promise<void> => {
  const { req } = incoming
  incoming.method = 'GET'
  if (req.method !== 'GET') throw new RouterError('METHOD_NOT_ALLOWED', { allow: 'GET' })
  noteBackend(context, incoming, name)
  const backend = requireBackend(context, name)
  const caller = await recognise(context, incoming, backend, clientId)
  const proven =
    caller.kind === 'unproven' ? await askForProof(context, incoming, backend, caller) : caller
  if (incoming.isClosed()) return
  if (proven.kind !== 'returned') return openNew(context, incoming, backend, proven)
  incoming.session = proven.held.record.id
  try {
    await atOwner(context, incoming, proven.held, {
      body: undefined,
      serve: (here) => {
        incoming.endpoint = here.record.endpoint
        emitSession(
          context.deps.events,
          here.record,
          'resumed',
          'the client confirmed the session by ping',
        )
        follow(context, incoming, here, liveOf(here), proven)
      },
      isRetrySafe: () => Promise.resolve(true),
    })
  } catch (error) {
    if (!isGone(error)) throw error
    // It ended this moment.
    await openNew(context, incoming, backend, { ...proven, kind: 'new', alike: undefined })
  }
}

/** A client that came back answers the ping at once; its answer may have to wait for another Instance, ms. */
const proofPatienceMs = 4_000

/** askForProof begins the response and asks the client for the proof; who gives none is a new client. */
const askForProof = async (
  context: Context,
  incoming: Incoming,
  backend: Backend,
  caller: Stranger,
): Promise<Caller> => {
  beginStream(incoming)
  incoming.res.write(`retry: ${retryMs}\n\n`)
  const id = await context.returns.ask(incoming, backend.name, proofPatienceMs)
  const held = id && (await findOrNone(context, incoming, backend, id))
  if (held) return returned(context, incoming, held, { fingerprint: caller.fingerprint })
  return { ...caller, kind: 'new' }
}

const isGone = (error: unknown): boolean =>
  error instanceof RouterError && error.code === 'SESSION_NOT_FOUND'

const openNew = async (
  context: Context,
  incoming: Incoming,
  backend: Backend,
  stranger: Stranger,
): Promise<void> => {
  if (context.draining) throw new RouterError('DRAINING')
  const release = await context.sessions.reserve(incoming.principal, backend)
  try {
    await openHere(context, incoming, backend, stranger)
  } finally {
    release()
  }
}

const openHere = async (
  context: Context,
  incoming: Incoming,
  backend: Backend,
  { fingerprint, alike }: Stranger,
): Promise<void> => {
  const id = newSessionId()
  incoming.session = id
  const live = openLive(context, backend.name, id)
  mayAdopt(live, alike ?? [])
  try {
    const endpoint = await connect(context, backend, live)
    incoming.endpoint = endpoint.id
    const held = await context.sessions.open(recordOf(context, incoming, id, endpoint), live)
    if (incoming.res.destroyed) await context.sessions.end(held)
    else {
      follow(context, incoming, held, live, { fingerprint })
      // It believes to have made a handshake, and may say nothing for long: until then its session would end with this Instance.
      if (revisionOf(incoming.req.headers['mcp-protocol-version']))
        discard(adoptHandshake(context, incoming, held, undefined) ?? Promise.resolve())
    }
  } catch (error) {
    void live.close()
    throw error
  }
}

/** Follower is whose stream it is; `received`: the response that it had last, if it says so. */
interface Follower {
  readonly fingerprint: Fingerprint
  readonly kind?: 'returned'
  readonly received?: string | undefined
}

const follow = (
  context: Context,
  incoming: Incoming,
  held: SessionEntry,
  live: LiveSession,
  { fingerprint, kind, received }: Follower,
): void => {
  const { id, backend } = held.record
  const stream = openCounted(context, incoming, held, () => {
    live.replays.standalone.detach(stream)
    context.orphans.leave(held)
  })
  const address = `${publicPrefix(incoming.req)}/mcp/${backend}/message?sessionId=${id}`
  const eventId = writeStreamId(bearerOf(context, incoming, backend), { session: id, fingerprint })
  // Whoever knows no fields of an event but its name and data reads over these.
  const head = Buffer.from(`id: ${eventId}\nretry: ${retryMs}\n`)
  stream.frame(Buffer.concat([head, eventFrame('endpoint', address)]))
  context.orphans.follow(held, fingerprint)
  if (received !== undefined) live.outlet.received(received)
  const waited = live.attach(stream, formOf(held.record), eventId)
  const known = received === undefined ? waited : new Set([...waited, received])
  if (kind === 'returned') discard(redeliver(context, held, live, stream, known))
  emitReturn(held)
}

const connect = (context: Context, backend: Backend, live: LiveSession): Promise<Endpoint> =>
  openWithFailover(context.selector, {
    backend,
    async open(endpoint) {
      live.connect(await context.deps.dialer.open(backend, endpoint, live.bind()))
      return endpoint
    },
  })

const recordOf = (
  context: Context,
  incoming: Incoming,
  id: Session['id'],
  endpoint: Endpoint,
): Session => ({
  id,
  backend: incoming.backend as Session['backend'],
  principal: incoming.principal.name,
  downstream: 'sse',
  instance: context.deps.instance,
  epoch: 1,
  ...context.sessions.at(endpoint),
  backendSessionId: '',
  revision: '',
  initialize: '',
  loggingLevel: '',
  subscriptions: [],
  lastActive: Date.now(),
})
