import type { Backend, Endpoint, Session } from '@mcp-router/core'
import { newSessionId, RouterError } from '@mcp-router/core'
import { eventFrame, requireValid } from '@mcp-router/protocol'
import { mayTryElsewhere } from '@mcp-router/upstream'
import { readMessageOrBatch } from '../body.js'
import type { Incoming } from '../incoming.js'
import { publicBase } from '../public-url.js'
import { respondAccepted } from '../respond.js'
import type { LiveSession } from '../sessions/live.js'
import { ownedBy } from '../sessions/live.js'
import { noteRequest } from '../sessions/note.js'
import { liveOf, openLive, openSessionStream } from '../sessions/owned.js'
import { passBatch } from './batch.js'
import { noteBackend, requireBackend } from './context.js'
import type { Context } from './context.js'

/**
 * serveSse answers `GET /sse/<server>` (spec 2024-11-05, transports): the Stream is the Session, this Instance its Owner; its first
 * event says where to POST.
 */
export const serveSse = async (
  context: Context,
  incoming: Incoming,
  name: string,
): Promise<void> => {
  const { req, res } = incoming
  incoming.method = 'GET'
  if (req.method !== 'GET') throw new RouterError('METHOD_NOT_ALLOWED', { allow: 'GET' })
  noteBackend(context, incoming, name)
  const backend = requireBackend(context, name)
  if (context.draining) throw new RouterError('DRAINING')
  const id = newSessionId()
  incoming.session = id
  const live = openLive(context, backend.name, id)
  const endpoint = await connect(context, backend, live)
  incoming.endpoint = endpoint.id
  try {
    const held = await context.sessions.open(recordOf(context, incoming, id, endpoint), live)
    if (res.destroyed) {
      await context.sessions.end(held)
      return
    }
    const address = `${publicBase(req)}/mcp/${backend.name}/message?sessionId=${id}`
    openSessionStream(context, incoming, held, live, eventFrame('endpoint', address), () => {
      void context.sessions.end(held).catch(() => undefined)
    })
  } catch (error) {
    void live.close()
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
  if (!ownedBy(held.record, context.deps.instance)) {
    return context.handoff.pass(incoming, held.record, message.bytes)
  }
  if (message.kind === 'batch') {
    await passBatch(context, held, message)
    respondAccepted(incoming)
    return
  }
  // Once it is answered 202, bad JSON could no longer be refused.
  requireValid(message)
  await noteRequest(context.sessions, held, message)
  liveOf(held).pass(message)
  respondAccepted(incoming)
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
      live.connect(await context.deps.dialer.open(backend, endpoint, live))
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
