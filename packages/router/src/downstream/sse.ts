import type { Backend, Endpoint, Session, SessionId } from '@mcp-router/core'
import { newSessionId, RouterError } from '@mcp-router/core'
import { eventFrame, requireValid } from '@mcp-router/protocol'
import type { Message } from '@mcp-router/protocol'
import { mayTryElsewhere } from '@mcp-router/upstream'
import { readMessageOrBatch } from '../body.js'
import type { Batch } from '../body.js'
import type { Incoming } from '../incoming.js'
import { publicBase } from '../public-url.js'
import { respondAccepted } from '../respond.js'
import type { LiveSession } from '../sessions/live.js'
import { atOwner } from '../sessions/owner.js'
import type { HeldSession } from '../sessions/held.js'
import { restartOwned } from '../sessions/takeover.js'
import { isNamed, namedId } from '../sessions/named.js'
import { noteRequest } from '../sessions/note.js'
import { noteOwed } from '../sessions/owed.js'
import { liveOf, openLive, openSessionStream } from '../sessions/owned.js'
import { passBatch } from './batch.js'
import { noteBackend, requireBackend } from './context.js'
import type { Context } from './context.js'

/**
 * serveSse answers `GET /sse/<server>` (spec 2024-11-05, transports): the Stream is the Session, this Instance its Owner; its first
 * event says where to POST. A client that names itself (`?clientId=`) finds its Session again when its connection, or the Owner, was lost.
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
  const id = client
    ? namedId(context.deps.clusterSecret, {
        name: client,
        principal: incoming.principal.name,
        backend: backend.name,
      })
    : newSessionId()
  incoming.session = id
  const known = client ? await findNamed(context, incoming, backend, id) : undefined
  if (!known) return openNew(context, incoming, backend, id)
  return atOwner(context, incoming, known, {
    body: undefined,
    serve: (here) => {
      incoming.endpoint = here.record.endpoint
      follow(context, incoming, here, liveOf(here))
    },
    isRetrySafe: () => Promise.resolve(true),
  })
}

const openNew = async (
  context: Context,
  incoming: Incoming,
  backend: Backend,
  id: SessionId,
): Promise<void> => {
  if (context.draining) throw new RouterError('DRAINING')
  const live = openLive(context, backend.name, id)
  const endpoint = await connect(context, backend, live)
  incoming.endpoint = endpoint.id
  try {
    const held = await context.sessions.open(recordOf(context, incoming, id, endpoint), live)
    if (incoming.res.destroyed && !isNamed(id)) await context.sessions.end(held)
    else follow(context, incoming, held, live)
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
): void => {
  const { id, backend } = held.record
  const address = `${publicBase(incoming.req)}/mcp/${backend}/message?sessionId=${id}`
  openSessionStream(context, incoming, held, live, eventFrame('endpoint', address), () => {
    // One that names itself may come back for what it missed.
    if (!isNamed(id)) void context.sessions.end(held).catch(() => undefined)
  })
}

const findNamed = async (
  { sessions }: Context,
  { principal }: Incoming,
  { name }: Backend,
  id: SessionId,
): Promise<HeldSession | undefined> => {
  try {
    return await sessions.find(id, principal, name)
  } catch (error) {
    if (error instanceof RouterError && error.code === 'SESSION_NOT_FOUND') return undefined
    throw error
  }
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
    // Its answer would come on a stream that is gone.
    isRetrySafe: () => Promise.resolve(false),
  })
}

/** accept takes a message whose answer, if one is owed, comes on the Stream. */
const accept = async (
  context: Context,
  incoming: Incoming,
  held: HeldSession,
  message: Message | Batch,
): Promise<void> => {
  // The Stream went with the Owner, and its client cannot know this Session again: it opens another one.
  if (held.streams === 0 && !isNamed(held.record.id)) {
    await context.sessions.end(held)
    throw new RouterError('SESSION_NOT_FOUND')
  }
  if (message.kind === 'batch') {
    await passBatch(context, held, message)
    respondAccepted(incoming)
    return
  }
  if (message.method === 'initialize' && held.record.initialize) await startOver(context, held)
  // Once it is answered 202, bad JSON could no longer be refused.
  requireValid(message)
  await noteRequest(context.sessions, held, message)
  await noteOwed(context, held.record, message)
  liveOf(held).pass(message)
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
