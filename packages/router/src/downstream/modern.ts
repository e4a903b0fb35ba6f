import type { Backend, Endpoint, Era } from '@mcp-router/core'
import { agreesAtSight, checkModernRequest, headerValuesOf } from '@mcp-router/protocol'
import type { Message, ModernClaim, Refusal } from '@mcp-router/protocol'
import { listModernTools } from '@mcp-router/upstream'
import { limitSilence } from '../calls/call-deadline.js'
import { paramRefusal } from '../bridge/param-refusal.js'
import { listBridged, openingOf, parkedAt, serveBridged, serveParked } from '../bridge/serve.js'
import { openWithFailover } from '../calls/failover.js'
import { unasked } from '../calls/failure.js'
import type { Incoming } from '../http/incoming.js'
import { gate } from '../calls/gate.js'
import { respondEmpty, respondError, respondRefusal } from '../http/respond.js'
import { isRetrySafe } from '../calls/retry-safe.js'
import type { Context } from '../context.js'
import { passToChannel } from './modern-command.js'
import type { Modern } from './modern-command.js'
import { ModernHop } from './modern-hop.js'

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
): Promise<void> | void => {
  const { rawHeaders, headers } = incoming.req
  const refusal =
    claim && agreesAtSight(message, claim, headers)
      ? undefined
      : checkModernRequest(message, claim, headerValuesOf(rawHeaders))
  if (refusal) {
    respondRefusal(incoming, refusal)
    return
  }
  if (!claim) {
    // Only a notification gets here: the revision defines none for HTTP, so there is nobody to tell (2026-07-28, Streamable HTTP).
    respondEmpty(incoming, 202)
    return
  }
  return serveClaimed(context, incoming, { backend, message, claim })
}

/** serveClaimed answers a request of revision 2026-07-28 that has been checked. */
export const serveClaimed = (
  context: Context,
  incoming: Incoming,
  modern: Modern,
): Promise<void> | void => {
  const { backend, message } = modern
  if (message.method === 'subscriptions/listen') incoming.becomesStream()
  const endpoint = context.selector.select(backend)
  const era = context.deps.eras.known(backend, endpoint)
  // The usual case waits for nothing.
  if (era === 'modern' && endpoint.transport === 'http')
    return gate(context, incoming, backend, message, () => {
      limit(context, incoming, modern)
      new ModernHop(context, incoming, modern).send(endpoint)
    })
  limit(context, incoming, modern)
  const serve = (place: Place): Promise<void> => serveAt(context, incoming, modern, place)
  return era ? serve({ endpoint, era }) : findPlace(context, incoming, modern, endpoint).then(serve)
}

const serveAt = async (
  context: Context,
  incoming: Incoming,
  modern: Modern,
  place: Place,
): Promise<void> => {
  const serve = (): Promise<void> => serveHere(context, incoming, modern, place)
  const { endpoint, era } = place
  if (incoming.handedOff) return serve()
  if (era === 'legacy') {
    // A parked call is where it was made, even if its home has moved since.
    const bridged = { ...modern, endpoint }
    const at = parkedAt(context, incoming, bridged)
    if (at !== undefined) return serveParked(context, incoming, bridged, at, serve)
  }
  if (endpoint.transport === 'http') return serve()
  // What one call leaves in the process, or in the session, the next one must find, as it would in front of the server itself.
  const home = await context.handoff.home(`${endpoint.id} ${incoming.principal.name}`)
  if (!home || home.id === context.deps.instance || incoming.isClosed()) return serve()
  const { backend, message } = modern
  const here = (): void => {
    serve().catch((error: unknown) => respondError(incoming, error))
  }
  const again = (): void => {
    incoming.isAgain = true
    here()
  }
  // Whoever came back is passed on as it came: by its id.
  const body = incoming.resumed ? undefined : message.bytes
  context.handoff.passTo(incoming, home, body, {
    unreachable: here,
    carriesOn: true,
    lost(error) {
      // What its home began it has noted, and what it noted is answered from that: a home that is being stopped may have closed before it read this.
      const isFirstRound = modern.claim.params['requestState'] === undefined
      if (incoming.mayComeAgain && isFirstRound) {
        again()
        return
      }
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
  // The revision defines no notification of a client over HTTP: only a server of that revision may know what it is.
  const isKnown = era === 'modern' && endpoint.transport === 'http'
  if (modern.message.kind !== 'request' && !isKnown) {
    respondEmpty(incoming, 202)
    return
  }
  const refusal = await refusalOf(context, incoming, modern, { endpoint, era })
  if (refusal) {
    respondRefusal(incoming, refusal)
    return
  }
  return gate(context, incoming, modern.backend, modern.message, () => {
    if (era === 'legacy') return serveBridged(context, incoming, { ...modern, endpoint })
    if (endpoint.transport === 'http') new ModernHop(context, incoming, modern).send(endpoint)
    else passToChannel(context, incoming, modern, endpoint)
  })
}

/** refusalOf is why the headers of a request do not fit its body, where its server does not get them: one with sessions, or a command. */
const refusalOf = (
  context: Context,
  incoming: Incoming,
  modern: Modern,
  { endpoint, era }: Place,
): Promise<Refusal | undefined> | undefined => {
  if (modern.message.method !== 'tools/call') return undefined
  if (era === 'modern' && endpoint.transport === 'http') return undefined
  const list =
    era === 'legacy'
      ? listBridged(context, incoming, { ...modern, endpoint })
      : (cursor: string | undefined) =>
          listModernTools(context.deps.channels.of(modern.backend, endpoint), cursor)
  return paramRefusal(context, incoming, modern, list)
}

/** limit begins the deadline, before its server is waited for. A listen goes on for as long as its client likes. */
const limit = (context: Context, incoming: Incoming, { message, backend }: Modern): void => {
  if (message.method !== 'subscriptions/listen') limitSilence(context, incoming, backend)
}

/** Place is where a modern message goes, and what is spoken there. */
interface Place {
  readonly endpoint: Endpoint
  readonly era: Era
}

/** findPlace asks Endpoints what they speak until one answers, `first` before the others. Nothing of the message is sent until then, unless it was before. */
const findPlace = async (
  context: Context,
  incoming: Incoming,
  modern: Modern,
  first: Endpoint,
): Promise<Place> => {
  const { backend } = modern
  const opening = openingOf(context, incoming, modern)
  const ask = (endpoint: Endpoint): Promise<Era> =>
    context.deps.eras.find(backend, endpoint, opening).catch((error: unknown) => {
      throw unasked(backend.name, error)
    })
  incoming.isUnsent = !incoming.isAgain
  try {
    return await openWithFailover(context.selector, {
      backend,
      first,
      isLookup: true,
      open: async (endpoint) => ({ endpoint, era: await ask(endpoint) }),
      isWanted: () => !incoming.isClosed(),
    })
  } finally {
    incoming.isUnsent = false
  }
}
