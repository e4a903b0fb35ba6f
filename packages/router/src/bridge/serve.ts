import type { Backend, Endpoint } from '@mcp-router/core'
import {
  checkDeclaredParams,
  discoverResult,
  headerValuesOf,
  isInteractive,
  isRecord,
  legacyParams,
  metaKeys,
  requestBytes,
  resultBytes,
  scanMessage,
} from '@mcp-router/protocol'
import type { Message, ModernClaim } from '@mcp-router/protocol'
import type { LaneTerms } from '@mcp-router/upstream'
import type { Context } from '../downstream/context.js'
import type { Incoming } from '../incoming.js'
import { acceptOnce } from '../journal/accept-once.js'
import { outcomeUnknown } from '../outcome.js'
import { respondError } from '../respond.js'
import { isRetrySafe } from '../retry-safe.js'
import { cache } from './answer.js'
import { boundOf, callOnLane } from './lane-call.js'
import { reach } from './reach.js'
import { serveListen } from './listen.js'
import { ModernReply } from './reply.js'
import { askPooled } from './ask-pooled.js'
import { PooledCall } from './pooled-call.js'

type Json = Readonly<Record<string, unknown>>

/** Bridged is one request of a modern client on its way to a server with sessions. */
export interface Bridged {
  readonly backend: Backend
  readonly endpoint: Endpoint
  readonly message: Message
  readonly claim: ModernClaim
}

/** serveBridged answers a modern request from a server with sessions. The request has passed checkModernRequest. */
export const serveBridged = async (
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
        new ModernReply(incoming, context.keep),
        bridged,
        termsOf(incoming, claim),
      )
    default:
      return call(context, incoming, bridged)
  }
}

/** isParked tells that a request goes on with a call that waits for it, here or at another Instance. */
export const isParked = (context: Context, incoming: Incoming, bridged: Bridged): boolean => {
  const state = bridged.claim.params['requestState']
  if (state === undefined) return false
  const ticket = context.bridge.seal.open(state, boundOf(incoming, bridged))
  return ticket !== undefined && ticket.instance !== ''
}

/**
 * Most calls go through the one session that callers share. Where the server may ask the client something, or tell of the call while it
 * runs, the call has a Lane to itself: nothing else could be taken for its own.
 */
const call = async (context: Context, incoming: Incoming, bridged: Bridged): Promise<void> => {
  const { message, claim, endpoint } = bridged
  if (!(await acceptOnce(context, incoming, bridged.backend, message))) return
  const reply = new ModernReply(incoming, context.keep)
  try {
    if (message.method === 'tools/call' && (await isRefused(context, reply, bridged))) return
    const terms = termsOf(incoming, claim)
    const tells = 'progressToken' in claim.meta || metaKeys.logLevel in claim.meta
    // What a server lists may depend on what the client can be asked, too.
    const mayAsk = isInteractive(terms.capabilities)
    if (tells || mayAsk || context.deps.lanes.isListenedTo(endpoint, terms)) {
      await callOnLane(context, reply, bridged, terms)
      return
    }
    const params = legacyParams(claim.params)
    const bytes = requestBytes(0, message.method, params)
    new PooledCall(context, reply, bridged, scanMessage(bytes)).start()
  } catch (error) {
    reply.fail(error)
  }
}

/** retry takes the answers of a client to the call that waits for them, wherever it is parked. */
const retry = async (context: Context, incoming: Incoming, bridged: Bridged): Promise<void> => {
  const { message, claim } = bridged
  const { seal, parking } = context.bridge
  const ticket = seal.open(claim.params['requestState'], boundOf(incoming, bridged))
  const here = ticket?.instance === context.deps.instance
  if (ticket && !here && ticket.instance !== '' && !incoming.handedOff) {
    const owner = await context.handoff.find(ticket.instance)
    if (incoming.isClosed()) return
    if (owner) {
      const lost = (): void => {
        loseParked(context, incoming, bridged).catch((error: unknown) =>
          respondError(incoming, error),
        )
      }
      context.handoff.passBack(incoming, owner, message.bytes, { unreachable: lost, lost })
      return
    }
  }
  if (ticket && ticket.instance !== '' && !(here && parking.isOwn(ticket.call))) {
    return loseParked(context, incoming, bridged)
  }
  // Nothing was parked: the client did what was asked elsewhere, and calls anew.
  if (ticket?.instance === '') return call(context, incoming, bridged)
  if (!(await acceptOnce(context, incoming, bridged.backend, message))) return
  const reply = new ModernReply(incoming, context.keep)
  const parked = ticket && here ? parking.take(ticket.call) : undefined
  if (!parked) {
    refuseState(reply)
    return
  }
  const answers = claim.params['inputResponses']
  parked.resume(reply, claim.meta['progressToken'], isRecord(answers) ? answers : {})
}

/** The Instance that had parked the call is gone, and the call with it: what may run twice is made anew, and the client asked again. */
const loseParked = async (
  context: Context,
  incoming: Incoming,
  bridged: Bridged,
): Promise<void> => {
  const { backend, message } = bridged
  if (await isRetrySafe(context, backend, message).catch(() => false))
    return call(context, incoming, bridged)
  respondError(incoming, outcomeUnknown({ message, requestId: incoming.requestId }))
}

const refuseState = (reply: ModernReply): void => {
  const text = 'Invalid requestState: it was used, altered or has expired; call anew without it'
  reply.refuse(-32602, text)
}

/** What a server offers may depend on what the client declared: it is read from the session that its calls will use. */
const discover = async (context: Context, incoming: Incoming, bridged: Bridged): Promise<void> => {
  const reply = new ModernReply(incoming, context.keep)
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
  const { backend, claim } = bridged
  const terms = termsOf(incoming, claim)
  return reach(context, incoming, bridged, async (endpoint) => {
    if (!isInteractive(terms.capabilities)) {
      return (pool.find(endpoint) ?? (await pool.open(backend, endpoint))).handshake.result
    }
    const lane = await lanes.share(backend, endpoint, terms)
    return lane.handshake
  })
}

/** A server with sessions knows nothing of `Mcp-Param-*`: that they agree with the arguments is checked here. */
const isRefused = async (
  context: Context,
  reply: ModernReply,
  { backend, endpoint, claim }: Bridged,
): Promise<boolean> => {
  const list = (cursor: string | undefined): Promise<Json> =>
    askPooled(context, { backend, endpoint }, 'tools/list', cursor === undefined ? {} : { cursor })
  const tools = await context.deps.catalog.tools(backend.name, list).catch(() => undefined)
  const tool = tools?.find(String(claim.params['name']))
  if (!tool || tool.declarations.length === 0) return false
  const headers = headerValuesOf(reply.incoming.req.rawHeaders)
  const refusal = checkDeclaredParams(tool.declarations, claim.params['arguments'], headers)
  if (refusal) reply.refuse(refusal.code, refusal.message, refusal.data)
  return refusal !== undefined
}

const termsOf = (incoming: Incoming, { meta }: ModernClaim): LaneTerms => {
  const capabilities = meta[metaKeys.clientCapabilities]
  const clientInfo = meta[metaKeys.clientInfo]
  return {
    principal: incoming.principal.name,
    capabilities: isRecord(capabilities) ? capabilities : {},
    clientInfo: isRecord(clientInfo) ? clientInfo : undefined,
  }
}
