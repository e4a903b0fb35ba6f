import type { Backend, Endpoint, Session, SessionId } from '@mcp-router/core'
import { newSessionId, RouterError } from '@mcp-router/core'
import { eventFrame, requireValid } from '@mcp-router/protocol'
import type { Message } from '@mcp-router/protocol'
import { discard, mayTryElsewhere } from '@mcp-router/upstream'
import { readMessageOrBatch } from '../body.js'
import type { Batch } from '../body.js'
import type { Incoming } from '../incoming.js'
import { publicBase } from '../public-url.js'
import { respondAccepted } from '../respond.js'
import { isKnownRetrySafe } from '../retry-safe.js'
import type { LiveSession } from '../sessions/live.js'
import { atOwner, isAbout } from '../sessions/owner.js'
import type { HeldSession } from '../sessions/held.js'
import { restartOwned } from '../sessions/takeover.js'
import { isNamed } from '../sessions/named.js'
import { noteRequest } from '../sessions/note.js'
import { isRepeated, noteOwed, requireRoom } from '../sessions/owed.js'
import { liveOf, openLive } from '../sessions/owned.js'
import { adoptHandshake, mayAdopt } from '../sessions/adoption.js'
import { looksKey } from '../sessions/looks.js'
import type { Looks } from '../sessions/looks.js'
import { orphansOf } from '../sessions/orphans.js'
import { formOf } from '../sessions/replay.js'
import { openCounted } from '../sessions/resume.js'
import { isAcknowledgement } from '../sessions/acknowledge.js'
import { beginAnew, retell } from '../sessions/retell.js'
import { awaitReturn, tellReturn } from '../sessions/return.js'
import { writeStreamId } from '../sessions/stream-id.js'
import type { Proof } from '../sessions/stream-id.js'
import { tellSession } from '../sessions/tell.js'
import { recogniseGuest, welcome } from '../sessions/welcome.js'
import { passBatch } from './batch.js'
import { noteBackend, requireBackend } from './context.js'
import { bearerOf, recognise } from './recognise.js'
import type { Caller } from './recognise.js'
import type { Context } from './context.js'

/** How long a client should wait before it opens a broken stream again, ms. */
const retryMs = 500

/**
 * serveSse answers `GET /sse/<server>` (spec 2024-11-05, transports): the Stream is the Session, this Instance its Owner; its first
 * event says where to POST. A client that is recognised finds its Session again when its connection, or the Owner, was lost.
 */
export const serveSse = async (
  context: Context,
  incoming: Incoming,
  name: string,
  client: string,
): Promise<void> => {
  const { req } = incoming
  incoming.method = 'GET'
  if (req.method !== 'GET') throw new RouterError('METHOD_NOT_ALLOWED', { allow: 'GET' })
  noteBackend(context, incoming, name)
  const backend = requireBackend(context, name)
  const caller = await recognise(context, incoming, backend, client)
  incoming.session = caller.id
  if (!caller.held) return openNew(context, incoming, backend, caller)
  try {
    await atOwner(context, incoming, caller.held, {
      body: undefined,
      serve: (here) => {
        incoming.endpoint = here.record.endpoint
        tellSession(context.deps.events, here.record, 'resumed', reasons[caller.proof])
        follow(context, incoming, here, liveOf(here), caller)
      },
      isRetrySafe: () => Promise.resolve(true),
    })
  } catch (error) {
    if (!isGone(error) || !caller.looks) throw error
    // It ended this moment. A client that is refused here never comes again (HTML, server-sent events).
    const { looks } = caller
    await openNew(context, incoming, backend, { ...caller, id: newSessionId(), looks, proof: 'id' })
  }
}

const reasons: Readonly<Record<Proof, string>> = {
  id: 'its client named it',
  looks: 'only this one can be that of its client',
  guess: 'only this one can be that of its client',
}

const isGone = (error: unknown): boolean =>
  error instanceof RouterError && error.code === 'SESSION_NOT_FOUND'

const openNew = async (
  context: Context,
  incoming: Incoming,
  backend: Backend,
  caller: Caller,
): Promise<void> => {
  if (context.draining) throw new RouterError('DRAINING')
  const { id, orphans } = caller
  incoming.session = id
  const live = openLive(context, backend.name, id)
  mayAdopt(live, orphans)
  const endpoint = await connect(context, backend, live)
  incoming.endpoint = endpoint.id
  try {
    const held = await context.sessions.open(recordOf(context, incoming, id, endpoint), live)
    if (incoming.res.destroyed && !isNamed(id)) await context.sessions.end(held)
    else follow(context, incoming, held, live, caller)
  } catch (error) {
    void live.close()
    throw error
  }
}

const follow = (
  context: Context,
  incoming: Incoming,
  held: HeldSession,
  live: LiveSession,
  { looks, proof, held: isBack }: Caller,
): void => {
  const { id, backend } = held.record
  const stream = openCounted(context, incoming, held, () => {
    live.detach(stream)
    // One that names itself may come back for as long as its Session lives.
    if (looks) orphansOf(context).leave(held)
  })
  const address = `${publicBase(incoming.req)}/mcp/${backend}/message?sessionId=${id}`
  stream.frame(
    Buffer.concat([headOf(context, incoming, id, looks), eventFrame('endpoint', address)]),
  )
  if (looks) orphansOf(context).follow(held, looks)
  if (proof === 'guess') {
    welcome(context, held, live, stream)
    return
  }
  const waited = live.attach(stream, formOf(held.record))
  if (isBack) discard(retell(context, held, live, waited))
  tellReturn(held)
}

/** Whoever knows no fields of an event but its name and data reads over these. */
const headOf = (
  context: Context,
  incoming: Incoming,
  session: SessionId,
  looks: Looks | undefined,
): Buffer => {
  if (!looks) return Buffer.from(`retry: ${retryMs}\n`)
  const bearer = bearerOf(context, incoming, incoming.backend)
  const id = writeStreamId(bearer, { session, looks: looksKey(looks), proof: 'id' })
  return Buffer.from(`id: ${id}\nretry: ${retryMs}\n`)
}

/** serveMessage answers the POSTs of such a client: 202, and what the server answers comes on its Stream. */
export const serveMessage = async (
  context: Context,
  incoming: Incoming,
  name: string,
  id: string,
): Promise<void> => {
  if (incoming.req.method !== 'POST') throw new RouterError('METHOD_NOT_ALLOWED', { allow: 'POST' })
  noteBackend(context, incoming, name)
  const message = await readMessageOrBatch(incoming, context.deps.options.maxBodyBytes)
  if (name) requireBackend(context, name)
  if (!id) throw new RouterError('SESSION_REQUIRED')
  incoming.session = id
  const held = await context.sessions.find(id, incoming.principal, name)
  if (held.record.downstream !== 'sse') throw new RouterError('SESSION_NOT_FOUND')
  incoming.backend = held.record.backend
  incoming.endpoint = held.record.endpoint
  return atOwner(context, incoming, held, {
    body: message.bytes,
    serve: (here) => accept(context, incoming, here, message),
    // Whoever takes the Session over knows what was taken already.
    isRetrySafe: () => Promise.resolve(true),
    isAbout: isAbout(message),
  })
}

const noStream =
  'the stream of this session is closed, so the answer could not be told and the message was not passed on; open the stream again'

/** accept takes a message whose answer, if one is owed, comes on the Stream. */
const accept = async (
  context: Context,
  incoming: Incoming,
  held: HeldSession,
  message: Message | Batch,
): Promise<void> => {
  const isFound = isNamed(held.record.id)
  // Nothing was begun, and the Stream went with the Owner: its client opens another one.
  if (held.streams === 0 && !isFound && !held.record.initialize) {
    await context.sessions.end(held)
    throw new RouterError('SESSION_NOT_FOUND')
  }
  if (!isFound) {
    orphansOf(context).see(held, incoming)
    // Its client may come back as one that cannot be recognised, and would wait for the answer for ever.
    if (!(await awaitReturn(held))) throw new RouterError('INVALID_REQUEST', { reason: noStream })
  }
  const live = liveOf(held)
  if (message.kind === 'batch') {
    recogniseGuest(live, '')
    await adoptHandshake(context, incoming, held, undefined)
    await passBatch(context, incoming, held, message)
    respondAccepted(incoming)
    return
  }
  if (isAcknowledgement(live, message)) {
    respondAccepted(incoming)
    return
  }
  // Once it is answered 202, bad JSON could no longer be refused.
  requireValid(message)
  await adoptHandshake(context, incoming, held, message)
  if (isRepeated(context, incoming, held, message)) {
    respondAccepted(incoming)
    return
  }
  if (message.kind === 'request') requireRoom(live, 1)
  if (message.method === 'initialize' && held.record.initialize) await startOver(context, held)
  recogniseGuest(live, message.method)
  if (message.method === 'initialize') beginAnew(context, held, live)
  // It has the answer to that.
  if (message.method === 'notifications/initialized') context.told.forget(held.record.id)
  await noteRequest(context.sessions, held, message)
  const noting = noteOwed(context, held.record, message)
  // What may run twice need not wait for that: until it is answered 202, whoever sent it knows that it may be lost.
  const backend = requireBackend(context, held.record.backend)
  if (!isKnownRetrySafe(context, backend, message)) await noting
  live.pass(message)
  await noting
  respondAccepted(incoming)
}

/** A client that initializes again, a new process under the same name, say, begins a new conversation with the server. */
const startOver = async (context: Context, held: HeldSession): Promise<void> => {
  const fresh = { initialize: '', loggingLevel: '', subscriptions: [] }
  await context.sessions.change(held, fresh)
  await restartOwned(context, held)
}

const connect = async (
  context: Context,
  backend: Backend,
  live: LiveSession,
): Promise<Endpoint> => {
  const tried = new Set<Endpoint>()
  for (;;) {
    const endpoint = context.selector.select(backend, tried)
    try {
      live.connect(await context.deps.dialer.open(backend, endpoint, live.hear()))
      context.selector.worked(endpoint)
      return endpoint
    } catch (error) {
      if (!mayTryElsewhere(error)) throw error
      context.selector.failed(endpoint)
      tried.add(endpoint)
      if (tried.size >= backend.endpoints.length) throw error
    }
  }
}

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
  endpoint: endpoint.id,
  backendSessionId: '',
  revision: '',
  initialize: '',
  loggingLevel: '',
  subscriptions: [],
  lastActive: Date.now(),
})
