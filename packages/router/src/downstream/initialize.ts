import type { Backend, Endpoint, HttpEndpoint, Session } from '@mcp-router/core'
import { asError, newSessionId, RouterError } from '@mcp-router/core'
import { messageFrame, paramsOf, resultOf } from '@mcp-router/protocol'
import type { Message } from '@mcp-router/protocol'
import { headerOf, mayTryElsewhere, namesModern, withCookies } from '@mcp-router/upstream'
import type { HttpAnswer, Upstream } from '@mcp-router/upstream'
import type { Incoming } from '../http/incoming.js'
import { openWithFailover } from '../calls/failover.js'
import { failureOf } from '../calls/failure.js'
import { isBroken } from '../calls/outcome.js'
import { readRevision } from '../calls/read-revision.js'
import { respondJson } from '../http/respond.js'
import { askOpening, isOfSse, readOpening } from './opening.js'
import type { Opening } from './opening.js'
import type { LiveSession } from '../path/owned/live.js'
import { openLive } from '../path/owned/owned.js'
import { streamHeaders } from '../outlet/stream.js'
import type { Context } from '../context.js'

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
  requireShort(context, message)
  const release = await context.sessions.reserve(incoming.principal, backend)
  try {
    await openAnywhere(context, incoming, backend, message)
  } finally {
    release()
  }
}

/** requireShort throws BODY_TOO_LARGE for a handshake that would burden every instance and the store for as long as its session lives. */
export const requireShort = ({ deps }: Context, { bytes }: Message): void => {
  const limit = deps.options.maxHandshakeBytes
  if (bytes.length > limit) throw new RouterError('BODY_TOO_LARGE', { limit })
}

const openAnywhere = async (
  context: Context,
  incoming: Incoming,
  backend: Backend,
  message: Message,
): Promise<void> => {
  const { endpointPatienceMs } = context.deps.options
  const startedAt = performance.now()
  let breaks = 0
  // A session that was half opened when its server went away does no harm.
  const mayRepeat = (error: unknown): boolean =>
    isBroken(error) && (!isNotOpened(error) || performance.now() - startedAt < endpointPatienceMs)
  try {
    await openWithFailover(context.selector, {
      backend,
      async open(endpoint) {
        incoming.endpoint = endpoint.id
        if (endpoint.transport === 'http' && backend.era !== 'modern')
          await openHttp(context, incoming, backend, endpoint, message)
        else await openAt(context, incoming, message, backend, endpoint)
        return endpoint
      },
      mayGoOn: (error) => mayTryElsewhere(error) || (mayRepeat(error) && breaks++ < maxBreaks),
      isWanted: () => !incoming.isClosed(),
    })
  } catch (error) {
    throw notOpened(backend.name, error)
  }
}

/** A server that could not start may do so in a moment, but not when it took its time to fail. */
const isNotOpened = (error: unknown): boolean =>
  error instanceof RouterError && error.code === 'OPENING_FAILED'

/** Whatever broke off, no call of the client was in it. */
const notOpened = (backend: string, error: unknown): RouterError => {
  const failure = failureOf(backend, error)
  return failure.code === 'UPSTREAM_FAILED'
    ? new RouterError('OPENING_FAILED', failure.data, error)
    : failure
}

/**
 * An http Endpoint is asked for a session first: one that speaks both Eras knows best what a session is. Where it keeps none, it could neither
 * ask its client nor tell of changes: then the Era without sessions, in which it can, is preferred.
 */
const openHttp = async (
  context: Context,
  incoming: Incoming,
  backend: Backend,
  endpoint: HttpEndpoint,
  message: Message,
): Promise<void> => {
  const { dialer, eras, transports } = context.deps
  const answer = await askOpening(context, incoming, endpoint, message)
  const opening = openingIn(incoming.backend, answer, message.id)
  const result = 'result' in opening ? opening.result : undefined
  const isDoubtful = result
    ? !headerOf(answer, 'mcp-session-id')
    : mayKnowNoSessions(answer, opening)
  if (
    backend.era === 'auto' &&
    isDoubtful &&
    (('response' in opening && namesModern(opening.response)) ||
      (await eras.find(backend, endpoint).catch(() => 'legacy')) === 'modern')
  ) {
    const open = (live: LiveSession) =>
      Promise.resolve(dialer.openFace(backend, endpoint, live.bind()))
    return openOwned(context, incoming, message, { backend, endpoint, open })
  }
  if (!result && (await isOfSse(context, backend.name, endpoint, answer)))
    return openAt(context, incoming, message, backend, transports.of(endpoint))
  if (!('response' in opening)) throw opening
  if (result) return openPortable(context, incoming, endpoint, message, { answer, opening })
  const { status } = answer
  const outcome = status < 400 ? 'ok' : `UPSTREAM_${status}`
  respondJson(incoming, status, opening.response.bytes, [], outcome)
}

/** openingIn is what was answered, or what is wrong with it. */
const openingIn = (backend: string, answer: HttpAnswer, id: string): Opening | Error => {
  try {
    return readOpening(backend, answer, id)
  } catch (error) {
    return asError(error)
  }
}

/** Trouble with access or on the server's side says nothing about what it speaks. */
const mayKnowNoSessions = ({ status }: HttpAnswer, opening: Opening | Error): boolean =>
  opening instanceof Error
    ? status >= 400 && status < 500 && status !== 401 && status !== 403
    : status < 500

/** Where the Endpoint made a session, that is the Session: any Instance can continue it. */
const openPortable = async (
  context: Context,
  incoming: Incoming,
  endpoint: HttpEndpoint,
  message: Message,
  { answer, opening }: { answer: HttpAnswer; opening: Opening },
): Promise<void> => {
  const record = recordOf(context, incoming, message, opening.result ?? {}, {
    id: newSessionId(),
    ...context.sessions.at(endpoint),
    epoch: 0,
    backendSessionId: headerOf(answer, 'mcp-session-id'),
    cookies: withCookies('', answer.headers),
  })
  await context.sessions.open(record)
  incoming.session = record.id
  respondOpening(incoming, opening, ['mcp-session-id', record.id])
}

/** openAt opens a Session by the Transport of its Endpoint. */
const openAt = (
  context: Context,
  incoming: Incoming,
  message: Message,
  backend: Backend,
  endpoint: Endpoint,
): Promise<void> =>
  openOwned(context, incoming, message, {
    backend,
    endpoint,
    open: (live) => context.deps.dialer.open(backend, endpoint, live.bind()),
  })

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
    const place = { ...context.sessions.at(endpoint), epoch: 1, backendSessionId: '' }
    await context.sessions.open(
      recordOf(context, incoming, message, result, { id, ...place }),
      live,
    )
    incoming.session = id
    respondJson(incoming, 200, answer.bytes, ['mcp-session-id', id])
  } catch (error) {
    void live.close()
    // There was none yet that its client could have lost.
    if (failureOf(backend.name, error).code !== 'SESSION_NOT_FOUND') throw error
    const reason = 'the server ended the session while it was opened'
    throw new RouterError('UPSTREAM_FAILED', { backend: backend.name, reason }, error)
  }
}

const recordOf = (
  context: Context,
  incoming: Incoming,
  message: Message,
  result: Readonly<Record<string, unknown>>,
  place: Pick<Session, 'id' | 'endpoint' | 'place' | 'epoch' | 'backendSessionId' | 'cookies'>,
): Session => ({
  backend: incoming.backend as Session['backend'],
  principal: incoming.principal.name,
  downstream: 'http',
  instance: context.deps.instance,
  revision: readRevision(incoming.backend, result),
  initialize: JSON.stringify(paramsOf(message) ?? {}),
  loggingLevel: '',
  subscriptions: [],
  lastActive: Date.now(),
  ...place,
})

/** What was said before the response makes the answer a stream. */
const respondOpening = (
  incoming: Incoming,
  { response, said }: Opening,
  extra: readonly string[],
): void => {
  if (said.length === 0) {
    respondJson(incoming, 200, response.bytes, extra)
    return
  }
  const body = Buffer.concat([...said, response].map(({ bytes }) => messageFrame(bytes)))
  const length = ['content-length', String(body.length)]
  incoming.res.writeHead(200, [...streamHeaders, ...length, ...extra])
  incoming.res.end(body)
  incoming.done(200, 'ok')
}
