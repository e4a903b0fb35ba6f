import type { Backend, Endpoint, Era, HttpEndpoint } from '@mcp-router/core'
import {
  agreesAtSight,
  checkModernRequest,
  headerValuesOf,
  modernRequestHeaders,
  scanMessage,
} from '@mcp-router/protocol'
import type { Message, ModernClaim } from '@mcp-router/protocol'
import { answerOf, mayTryElsewhere, sessionHeaders } from '@mcp-router/upstream'
import { ModernReply, statusOf } from '../bridge/reply.js'
import { isParked, serveBridged } from '../bridge/serve.js'
import { failureOf } from '../failure.js'
import type { Incoming } from '../incoming.js'
import { Relay } from '../relay.js'
import type { RelayHooks } from '../relay.js'
import { acceptOnce } from '../journal/accept-once.js'
import { afterBreak, isBroken } from '../outcome.js'
import { respondEmpty, respondError, respondRefusal } from '../respond.js'
import { isRetrySafe } from '../retry-safe.js'
import { traceOf } from '../trace.js'
import type { Context } from './context.js'

/**
 * serveModern answers a message of revision 2026-07-28: no session, so any Instance and any Endpoint will do. Between two modern sides the
 * body passes as it came, and so does the answer; only the headers are made anew.
 */
export const serveModern = (
  context: Context,
  incoming: Incoming,
  backend: Backend,
  message: Message,
  claim: ModernClaim | undefined,
): Promise<void> | undefined => {
  const { rawHeaders, headers } = incoming.req
  const refusal =
    claim && agreesAtSight(message, claim, headers)
      ? undefined
      : checkModernRequest(message, claim, headerValuesOf(rawHeaders))
  if (refusal) {
    respondRefusal(incoming, refusal)
    return undefined
  }
  if (!claim) {
    // Only a notification gets here: the revision defines none for HTTP, so there is nobody to tell (2026-07-28, Streamable HTTP).
    respondEmpty(incoming, 202)
    return undefined
  }
  if (message.method === 'subscriptions/listen') incoming.becomesStream()
  const modern = { backend, message, claim }
  const endpoint = context.selector.select(backend)
  const era = context.deps.eras.known(backend, endpoint)
  // The usual case waits for nothing.
  if (era === 'modern' && endpoint.transport === 'http') {
    const accepted = acceptOnce(context, incoming, backend, message)
    const start = (): void => new ModernHop(context, incoming, modern).start(endpoint)
    if (accepted !== true) return accepted.then((is) => (is ? start() : undefined))
    start()
    return undefined
  }
  return era
    ? serveAt(context, incoming, modern, { endpoint, era })
    : findPlace(context, backend, endpoint).then((place) =>
        serveAt(context, incoming, modern, place),
      )
}

/** Modern is a message of revision 2026-07-28 that may go on. */
interface Modern {
  readonly backend: Backend
  readonly message: Message
  readonly claim: ModernClaim
}

const serveAt = async (
  context: Context,
  incoming: Incoming,
  modern: Modern,
  place: Place,
): Promise<void> => {
  const serve = (): Promise<void> => serveHere(context, incoming, modern, place)
  const { endpoint, era } = place
  if (endpoint.transport !== 'stdio' || incoming.handedOff) return serve()
  // A parked call is where it was made, even if its home has moved since.
  if (era === 'legacy' && isParked(context, incoming, { ...modern, endpoint })) return serve()
  // What one call leaves in the process the next one must find, as it would in front of the server itself.
  const home = await context.handoff.home(`${endpoint.id} ${incoming.principal.name}`)
  if (!home || home.id === context.deps.instance || incoming.isClosed()) return serve()
  const { backend, message } = modern
  const again = (): void => {
    serve().catch((error: unknown) => respondError(incoming, error))
  }
  context.handoff.passTo(incoming, home, message.bytes, {
    unreachable: again,
    carriesOn: true,
    lost(error) {
      void isRetrySafe(context, backend, message)
        .catch(() => false)
        .then((isSafe) => (isSafe ? again() : respondError(incoming, error)))
    },
  })
}

const serveHere = async (
  context: Context,
  incoming: Incoming,
  modern: Modern,
  { endpoint, era }: Place,
): Promise<void> => {
  // The client may have left, or its time be up, while it was found out where to go: then nothing goes there.
  if (incoming.isClosed()) {
    incoming.done(499, 'CLIENT_LEFT')
    return
  }
  if (era === 'legacy') return serveBridged(context, incoming, { ...modern, endpoint })
  const accepted = acceptOnce(context, incoming, modern.backend, modern.message)
  if (accepted !== true && !(await accepted)) return
  if (endpoint.transport === 'http') new ModernHop(context, incoming, modern).start(endpoint)
  else passToChannel(context, incoming, modern, endpoint)
}

/** Place is where a modern message goes, and what is spoken there. */
interface Place {
  readonly endpoint: Endpoint
  readonly era: Era
}

/** findPlace asks Endpoints what they speak until one answers, `first` before the others. */
const findPlace = async (context: Context, backend: Backend, first: Endpoint): Promise<Place> => {
  const tried = new Set<Endpoint>()
  for (let endpoint = first; ; endpoint = context.selector.select(backend, tried)) {
    try {
      return { endpoint, era: await context.deps.eras.find(backend, endpoint) }
    } catch (error) {
      if (!mayTryElsewhere(error)) throw failureOf(backend.name, error)
      context.selector.failed(endpoint)
      tried.add(endpoint)
      if (tried.size < backend.endpoints.length) continue
      if (!(await context.selector.mayReturn(backend, tried))) throw failureOf(backend.name, error)
      tried.clear()
    }
  }
}

/** passToChannel sends a modern message to a modern server that is a command. */
const passToChannel = (
  context: Context,
  incoming: Incoming,
  { backend, message }: Modern,
  endpoint: Endpoint,
): void => {
  incoming.endpoint = endpoint.id
  const reply = new ModernReply(incoming, context.keep)
  const { requestId, at } = incoming
  let isLeft = false
  const send = (repeats: number): void => {
    const call = context.deps.channels.of(backend, endpoint).request(message, [], {
      onNotification: (notification) => reply.say(notification),
      onResponse: ({ bytes }) => reply.answer(bytes, statusOfAnswer(bytes)),
      onFailed(error) {
        if (mayTryElsewhere(error)) context.selector.failed(endpoint)
        if (!isBroken(error)) {
          reply.fail(error)
          return
        }
        const broken = { backend, message, requestId, at, error, repeats }
        void afterBreak(context, broken).then((told) => {
          if (told) reply.fail(told)
          else if (!isLeft) send(repeats + 1)
        })
      },
    })
    reply.whenLeft(() => {
      isLeft = true
      call.abort()
    })
  }
  send(0)
}

/** Errors are short, and only those that HTTP must know of have a status. */
const longestError = 4_096

const statusOfAnswer = (bytes: Buffer): number => {
  if (bytes.length > longestError || !bytes.includes('"error"')) return 200
  const { error } = answerOf(scanMessage(bytes))
  return error ? statusOf(Number(error['code'])) : 200
}

/** ModernHop is one modern message on its way to some http Endpoint; it goes on to the next one only when nothing of it was sent. */
class ModernHop implements RelayHooks {
  private readonly context: Context
  private readonly incoming: Incoming
  private readonly modern: Modern
  private tried: Set<Endpoint> | undefined
  private repeats = 0
  private endpoint: HttpEndpoint | undefined

  constructor(context: Context, incoming: Incoming, modern: Modern) {
    this.context = context
    this.incoming = incoming
    this.modern = modern
  }

  start(endpoint: HttpEndpoint): void {
    this.send(endpoint, new Relay(this.incoming, this.context, this))
  }

  onFailed(error: Error, relay: Relay, begun: boolean): boolean {
    const { endpoint, context, incoming } = this
    const { backend, message } = this.modern
    // Who listens must know that something may have been missed.
    if (!endpoint || (begun && message.method === 'subscriptions/listen')) return false
    context.selector.failed(endpoint)
    if (!mayTryElsewhere(error)) {
      const { repeats } = this
      const { requestId, at } = incoming
      afterBreak(context, { backend, message, requestId, at, error, repeats }).then(
        (told) => (told ? relay.fail(told) : this.repeat(relay, error)),
        () => relay.fail(error),
      )
      return true
    }
    this.tried = (this.tried ?? new Set()).add(endpoint)
    this.goOn(this.tried, relay, error)
    return true
  }

  onStatus(status: number): void {
    if (!this.endpoint) return
    this.context.selector.worked(this.endpoint)
    // What a server that knows only sessions would answer; it may have been replaced by one.
    if (status === 400 || status === 404 || status === 405) {
      this.context.deps.eras.doubt(this.endpoint)
    }
  }

  private repeat(relay: Relay, error: Error): void {
    this.repeats++
    this.tried = new Set(this.endpoint && [this.endpoint])
    this.goOn(this.tried, relay, error)
  }

  private goOn(tried: Set<Endpoint>, relay: Relay, error: Error): void {
    this.pick(tried).then(
      (next) => (next && !this.incoming.isClosed() ? this.send(next, relay) : relay.fail(error)),
      () => relay.fail(error),
    )
  }

  /** pick finds another http Endpoint that speaks the modern Era. */
  private async pick(tried: Set<Endpoint>): Promise<HttpEndpoint | undefined> {
    const { context } = this
    const { backend } = this.modern
    for (;;) {
      if (tried.size >= backend.endpoints.length) {
        if (this.incoming.isClosed() || !(await context.selector.mayReturn(backend, tried))) break
        tried.clear()
      }
      const endpoint = context.selector.select(backend, tried)
      tried.add(endpoint)
      if (endpoint.transport !== 'http') continue
      const era = await context.deps.eras.find(backend, endpoint).catch(() => undefined)
      if (era === 'modern') return endpoint
      if (!era) context.selector.failed(endpoint)
    }
    return undefined
  }

  private send(endpoint: HttpEndpoint, relay: Relay): void {
    this.endpoint = endpoint
    this.incoming.endpoint = endpoint.id
    const { req } = this.incoming
    const { message, claim } = this.modern
    const more = modernRequestHeaders(message, claim, req.rawHeaders)
    for (const text of traceOf(req)) more.push(text)
    const headers = headersTo(endpoint)
    const request = { method: 'POST', headers, lasting: true, more, body: message.bytes } as const
    this.context.deps.client.dispatch(endpoint.url, request, relay)
  }
}

const lasting = new WeakMap<HttpEndpoint, string[]>()

/** What every modern request to an Endpoint has in common, made once. */
const headersTo = (endpoint: HttpEndpoint): string[] => {
  const known = lasting.get(endpoint)
  if (known) return known
  const headers = sessionHeaders(endpoint, '', '')
  headers.push('content-type', 'application/json')
  headers.push('accept', 'application/json, text/event-stream')
  lasting.set(endpoint, headers)
  return headers
}
