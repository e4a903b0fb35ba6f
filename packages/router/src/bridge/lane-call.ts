import type { Endpoint } from '@mcp-router/core'
import { legacyParams, metaKeys } from '@mcp-router/protocol'
import { mayTryElsewhere } from '@mcp-router/upstream'
import type { Lane, LaneTerms } from '@mcp-router/upstream'
import type { Context } from '../downstream/context.js'
import type { Incoming } from '../incoming.js'
import { BridgedCall } from './call.js'
import type { BridgedRequest } from './call.js'
import type { ModernReply } from './reply.js'
import type { Bound } from './seal.js'
import type { Bridged } from './serve.js'

type Json = Readonly<Record<string, unknown>>

/** callOnLane makes a call that has a Lane to itself. It rejects when none could be had. */
export const callOnLane = async (
  context: Context,
  reply: ModernReply,
  bridged: Bridged,
  terms: LaneTerms,
): Promise<void> => {
  const { message, claim } = bridged
  const level = claim.meta[metaKeys.logLevel]
  const tried = new Set<Endpoint>()
  const take = async (): Promise<Lane> => {
    const lane = await takeLane(context, reply.incoming, bridged, terms, tried)
    if (typeof level === 'string') await lane.setLevel(level).catch(() => undefined)
    return lane
  }
  const request: BridgedRequest = {
    method: message.method,
    params: legacyParams(claim.params),
    logs: level !== undefined,
    canBeAsked: (method) => canBeAsked(terms.capabilities, method),
  }
  const bound = boundOf(reply.incoming, bridged)
  const { parking, seal } = context.bridge
  const call = new BridgedCall(await take(), request, {
    park: (parked) => parking.park(parked, bound),
    again: () => seal.seal({ instance: '', call: '' }, bound),
    retake: take,
    onOver: (each) => context.deps.lanes.give(each),
  })
  call.start(reply, claim.meta['progressToken'])
}

/** takeLane goes on to the next Endpoint when one cannot be reached. */
const takeLane = async (
  context: Context,
  incoming: Incoming,
  { backend, endpoint: first }: Bridged,
  terms: LaneTerms,
  tried: Set<Endpoint>,
): Promise<Lane> => {
  const { selector, deps } = context
  let endpoint = tried.has(first) ? selector.select(backend, tried) : first
  for (;;) {
    incoming.endpoint = endpoint.id
    try {
      const lane = await deps.lanes.take(backend, endpoint, terms)
      selector.worked(endpoint)
      return lane
    } catch (error) {
      if (!mayTryElsewhere(error)) throw error
      selector.failed(endpoint)
      tried.add(endpoint)
      if (tried.size >= backend.endpoints.length) throw error
      endpoint = selector.select(backend, tried)
    }
  }
}

/** boundOf is what the state of a call is good for. */
export const boundOf = (incoming: Incoming, { backend, message, claim }: Bridged): Bound => ({
  principal: incoming.principal.name,
  backend: backend.name,
  method: message.method,
  params: claim.params,
})

/** The capability that a client must have declared to be asked. */
const capabilityOf: Readonly<Record<string, string>> = {
  'elicitation/create': 'elicitation',
  'sampling/createMessage': 'sampling',
  'roots/list': 'roots',
}

const canBeAsked = (capabilities: Json, method: string): boolean => {
  const capability = capabilityOf[method]
  return capability !== undefined && capability in capabilities
}
