import type { Backend, Endpoint, HttpEndpoint, Session } from '@mcp-router/core'
import { newSessionId, RouterError } from '@mcp-router/core'
import { paramsOf, resultOf } from '@mcp-router/protocol'
import type { Message } from '@mcp-router/protocol'
import { headerOf, isEventStream, mayTryElsewhere } from '@mcp-router/upstream'
import type { HttpAnswer, Upstream } from '@mcp-router/upstream'
import type { Incoming } from '../incoming.js'
import { failureOf } from '../failure.js'
import { isBroken } from '../outcome.js'
import { respondJson } from '../respond.js'
import { askOpening, readOpening } from './opening.js'
import type { LiveSession } from '../sessions/live.js'
import { openLive } from '../sessions/owned.js'
import { streamHeaders } from '../sessions/stream.js'
import type { Context } from './context.js'

/** How often a server may go away while it opens a session. */
const maxBreaks = 3

/** initialize opens a Session of a Streamable HTTP client on some Endpoint of the Backend and answers with its id. */
export const initialize = async (
  context: Context,
  incoming: Incoming,
  backend: Backend,
  message: Message,
): Promise<void> => {
  if (context.draining) throw new RouterError('DRAINING')
  const tried = new Set<Endpoint>()
  let breaks = 0
  for (;;) {
    const endpoint = context.selector.select(backend, tried)
    incoming.endpoint = endpoint.id
    try {
      if (endpoint.transport === 'http' && backend.era !== 'modern') {
        await openHttp(context, incoming, backend, endpoint, message)
      } else {
        await openOwned(context, incoming, message, {
          backend,
          endpoint,
          open: (live) => context.deps.dialer.open(backend, endpoint, live.hear()),
        })
      }
      context.selector.worked(endpoint)
      return
    } catch (error) {
      // A session that was half opened when its server went away does no harm.
      const mayRepeat = isBroken(error) && breaks++ < maxBreaks
      if (incoming.isClosed() || !(mayTryElsewhere(error) || mayRepeat))
        throw failureOf(backend.name, error)
      context.selector.failed(endpoint)
      tried.add(endpoint)
      if (tried.size < backend.endpoints.length) continue
      if (!(await context.selector.mayReturn(backend, tried))) throw failureOf(backend.name, error)
      tried.clear()
    }
  }
}

/** An http Endpoint is asked for a session first: one that speaks both Eras knows best what a session is. */
const openHttp = async (
  context: Context,
  incoming: Incoming,
  backend: Backend,
  endpoint: HttpEndpoint,
  message: Message,
): Promise<void> => {
  const { dialer, eras } = context.deps
  const answer = await askOpening(context, incoming, endpoint, message)
  const result = readOpening(incoming.backend, answer)
  if (result) return openPortable(context, incoming, endpoint, message, { answer, result })
  if (
    backend.era === 'auto' &&
    mayKnowNoSessions(answer) &&
    (await eras.find(backend, endpoint).catch(() => 'legacy')) === 'modern'
  ) {
    const open = (live: LiveSession) =>
      Promise.resolve(dialer.openFace(backend, endpoint, live.hear()))
    return openOwned(context, incoming, message, { backend, endpoint, open })
  }
  respondAs(incoming, answer, [])
}

/** Trouble with access or on the server's side says nothing about what it speaks. */
const mayKnowNoSessions = ({ status }: HttpAnswer): boolean =>
  status < 500 && status !== 401 && status !== 403

/** Where the Endpoint made a session, that is the Session: any Instance can continue it. */
const openPortable = async (
  context: Context,
  incoming: Incoming,
  endpoint: HttpEndpoint,
  message: Message,
  { answer, result }: { answer: HttpAnswer; result: Readonly<Record<string, unknown>> },
): Promise<void> => {
  const record = recordOf(context, incoming, message, result, {
    id: newSessionId(),
    endpoint: endpoint.id,
    epoch: 0,
    backendSessionId: headerOf(answer, 'mcp-session-id'),
  })
  await context.sessions.open(record)
  incoming.session = record.id
  respondAs(incoming, answer, ['mcp-session-id', record.id])
}

interface Place {
  readonly backend: Backend
  readonly endpoint: Endpoint
  readonly open: (live: LiveSession) => Promise<Upstream>
}

/** Elsewhere the Session is a live Upstream, and this Instance its Owner. */
const openOwned = async (
  context: Context,
  incoming: Incoming,
  message: Message,
  { backend, endpoint, open }: Place,
): Promise<void> => {
  const id = newSessionId()
  const live = openLive(context, backend.name, id)
  try {
    live.connect(await open(live))
    const answer = await live.ask(message)
    const result = resultOf(answer)
    if (!result || incoming.res.destroyed) {
      void live.close()
      respondJson(incoming, 200, answer.bytes)
      return
    }
    const place = { endpoint: endpoint.id, epoch: 1, backendSessionId: '' }
    await context.sessions.open(
      recordOf(context, incoming, message, result, { id, ...place }),
      live,
    )
    incoming.session = id
    respondJson(incoming, 200, answer.bytes, ['mcp-session-id', id])
  } catch (error) {
    void live.close()
    throw error
  }
}

const recordOf = (
  context: Context,
  incoming: Incoming,
  message: Message,
  result: Readonly<Record<string, unknown>>,
  place: Pick<Session, 'id' | 'endpoint' | 'epoch' | 'backendSessionId'>,
): Session => {
  const version = result['protocolVersion']
  return {
    backend: incoming.backend as Session['backend'],
    principal: incoming.principal.name,
    downstream: 'http',
    instance: context.deps.instance,
    revision: typeof version === 'string' ? version : '',
    initialize: JSON.stringify(paramsOf(message) ?? {}),
    loggingLevel: '',
    subscriptions: [],
    lastActive: Date.now(),
    ...place,
  }
}

const respondAs = (incoming: Incoming, answer: HttpAnswer, extra: readonly string[]): void => {
  const head = isEventStream(answer)
    ? [...streamHeaders]
    : ['content-type', headerOf(answer, 'content-type') || 'application/json']
  head.push('content-length', String(answer.body.length), ...extra)
  incoming.res.writeHead(answer.status, head)
  incoming.res.end(answer.body)
  incoming.done(answer.status, answer.status < 400 ? 'ok' : `UPSTREAM_${answer.status}`)
}
