import { RouterError } from '@mcp-router/core'
import {
  discoverResult,
  exactParamsOf,
  isInteractive,
  isRecord,
  legacyParams,
  metaKeys,
  requestBytes,
  resultBytes,
  scanMessage,
} from '@mcp-router/protocol'
import { laneInitialize } from '@mcp-router/upstream'
import type { LaneTerms } from '@mcp-router/upstream'
import type { Context } from '../context.js'
import type { Incoming } from '../http/incoming.js'
import { outcomeUnknown } from '../calls/outcome.js'
import { respondError } from '../http/respond.js'
import { isRetrySafe } from '../calls/retry-safe.js'
import { cache } from './answer.js'
import { boundOf } from './bridged.js'
import type { Bridged } from './bridged.js'
import { callOnLane } from './lane-call.js'
import { reach } from './reach.js'
import { serveListen } from './listen.js'
import { ModernOutlet } from '../outlet/modern-outlet.js'
import { askPooled } from './ask-pooled.js'
import { PooledCall } from './pooled-call.js'

type Json = Readonly<Record<string, unknown>>

/** serveBridged answers a modern request from a server with sessions, at this Instance. */
export const serveBridged = (
  context: Context,
  incoming: Incoming,
  bridged: Bridged,
): Promise<void> => {
  const { message, claim } = bridged
  incoming.endpoint = bridged.endpoint.id
  if (claim.params['requestState'] !== undefined) return retry(context, incoming, bridged)
  switch (message.method) {
    case 'server/discover':
      return discover(context, incoming, bridged)
    case 'subscriptions/listen':
      return serveListen(
        context,
        new ModernOutlet(context, incoming, bridged),
        bridged,
        termsOf(context, incoming, bridged),
      )
    default:
      return call(context, incoming, bridged)
  }
}

/** parkedAt is the Instance at which the call waits that a request goes on with; undefined: none does. */
export const parkedAt = (
  context: Context,
  incoming: Incoming,
  bridged: Bridged,
): string | undefined => {
  const state = bridged.claim.params['requestState']
  if (state === undefined) return undefined
  return context.bridge.seal.open(state, boundOf(incoming, bridged))?.instance || undefined
}

/** serveParked has a request served where its call is parked: here, or at another Instance that lives. */
export const serveParked = async (
  context: Context,
  incoming: Incoming,
  { message }: Bridged,
  at: string,
  serve: () => Promise<void>,
): Promise<void> => {
  const owner = at === context.deps.instance ? undefined : await context.handoff.find(at)
  if (incoming.isClosed()) return
  if (!owner) return serve()
  const unreachable = (): void => {
    serve().catch((error: unknown) => respondError(incoming, error))
  }
  const lost = (): void => {
    incoming.isAgain = true
    unreachable()
  }
  context.handoff.passBack(incoming, owner, message.bytes, { unreachable, lost })
}

/**
 * Most calls go through the one session that callers share. Where the server may ask the client something, or tell of the call while it
 * runs, the call has a Lane to itself: nothing else could be taken for its own.
 */
const call = async (context: Context, incoming: Incoming, bridged: Bridged): Promise<void> => {
  const { message } = bridged
  const reply = new ModernOutlet(context, incoming, bridged)
  try {
    const lane = laneOf(context, incoming, bridged)
    if (lane) {
      await callOnLane(context, reply, bridged, lane)
      return
    }
    const params = legacyParams(exactParamsOf(message))
    const bytes = requestBytes(0, message.method, params)
    new PooledCall(context, reply, bridged, scanMessage(bytes)).start()
  } catch (error) {
    reply.fail(error)
  }
}

/** laneOf is how the Lane of a call is opened; undefined: it has none. */
const laneOf = (context: Context, incoming: Incoming, bridged: Bridged): LaneTerms | undefined => {
  const terms = termsOf(context, incoming, bridged)
  // What a server lists may depend on what the client can be asked, too.
  const isAlone =
    isAnnounced(bridged) ||
    isInteractive(terms.capabilities) ||
    context.deps.lanes.isListenedTo(bridged.endpoint, terms)
  return isAlone ? terms : undefined
}

/** openingOf is how the session that serves a request would be opened; undefined: as the router's own. */
export const openingOf = (
  context: Context,
  incoming: Incoming,
  request: Omit<Bridged, 'endpoint'>,
): Json | undefined => {
  const terms = termsOf(context, incoming, request)
  return isInteractive(terms.capabilities) || isAnnounced(request)
    ? laneInitialize(terms)
    : undefined
}

/** isTold tells that the client wants to hear of the call while it runs. */
const isAnnounced = ({ claim: { meta } }: Pick<Bridged, 'claim'>): boolean =>
  'progressToken' in meta || metaKeys.logLevel in meta

/** retry takes the answers of a client to the call that waits for them here. */
const retry = async (context: Context, incoming: Incoming, bridged: Bridged): Promise<void> => {
  const { message, claim } = bridged
  const { seal, parking } = context.bridge
  const ticket = seal.open(claim.params['requestState'], boundOf(incoming, bridged))
  const here = ticket?.instance === context.deps.instance
  if (ticket && here && parking.wasEnded(ticket.call)) {
    const reason = 'its process was needed by others while it waited for its client'
    return loseParked(context, incoming, bridged, reason)
  }
  if (ticket && ticket.instance !== '' && !(here && parking.isOwn(ticket.call)))
    return loseParked(context, incoming, bridged)
  // Nothing was parked: the client did what was asked elsewhere, and calls anew.
  if (ticket?.instance === '') return call(context, incoming, bridged)
  const reply = new ModernOutlet(context, incoming, bridged)
  const parked = ticket && here ? parking.take(ticket.call) : undefined
  if (!parked) {
    refuseState(reply)
    return
  }
  const answers = exactParamsOf(message)?.['inputResponses']
  parked.resume(reply, claim.meta['progressToken'], isRecord(answers) ? answers : {})
}

/** The call is gone, with the Instance that had parked it or to make room for others: what may run twice is sent again, and the client asked again. */
const loseParked = async (
  context: Context,
  incoming: Incoming,
  bridged: Bridged,
  reason?: string,
): Promise<void> => {
  const { backend, message } = bridged
  if (await isRetrySafe(context, backend, message).catch(() => false))
    return call(context, incoming, bridged)
  const { requestId } = incoming
  respondError(incoming, outcomeUnknown({ message, requestId, ...(reason && { reason }) }))
}

const refuseState = (reply: ModernOutlet): void => {
  const text =
    'Invalid requestState: it was used, altered or has expired; send the call again without it'
  reply.refuse(-32602, text)
}

/** What a server offers may depend on what the client declared: it is read from the session that its calls will use. */
const discover = async (context: Context, incoming: Incoming, bridged: Bridged): Promise<void> => {
  const reply = new ModernOutlet(context, incoming, bridged)
  try {
    const handshake = await handshakeFor(context, incoming, bridged)
    reply.answer(resultBytes(incoming.id, discoverResult(handshake, cache)))
  } catch (error) {
    reply.fail(error)
  }
}

const handshakeFor = async (
  context: Context,
  incoming: Incoming,
  bridged: Bridged,
): Promise<Json> => {
  const { lanes, pool } = context.deps
  const { backend } = bridged
  const terms = termsOf(context, incoming, bridged)
  return reach(context, incoming, bridged, async (endpoint) => {
    if (!isInteractive(terms.capabilities)) {
      return (pool.find(endpoint) ?? (await pool.open(backend, endpoint))).handshake.result
    }
    const lane = await lanes.share(backend, endpoint, terms)
    return lane.handshake
  })
}

/** listBridged lists the tools of a server with sessions through the session that the call will use: another process would have to be started. */
export const listBridged = (
  context: Context,
  incoming: Incoming,
  bridged: Bridged,
): ((cursor: string | undefined) => Promise<Json>) => {
  const { lanes, pool } = context.deps
  const { backend, endpoint } = bridged
  const lane = laneOf(context, incoming, bridged)
  return async (cursor) => {
    const params = cursor === undefined ? {} : { cursor }
    if (!lane || endpoint.transport !== 'stdio' || pool.find(endpoint))
      return askPooled(pool, bridged, 'tools/list', params)
    return (await lanes.share(backend, endpoint, lane)).ask('tools/list', params)
  }
}

/** Throws BODY_TOO_LARGE for more than a session may be opened with. */
const termsOf = (
  { deps }: Context,
  incoming: Incoming,
  { message, claim: { meta } }: Omit<Bridged, 'endpoint'>,
): LaneTerms => {
  const capabilities = meta[metaKeys.clientCapabilities]
  const clientInfo = meta[metaKeys.clientInfo]
  const terms = {
    principal: incoming.principal.name,
    capabilities: isRecord(capabilities) ? capabilities : {},
    clientInfo: isRecord(clientInfo) ? clientInfo : undefined,
  }
  const limit = deps.options.maxHandshakeBytes
  if (message.bytes.length > limit && JSON.stringify(terms).length > limit)
    throw new RouterError('BODY_TOO_LARGE', { limit })
  return terms
}
