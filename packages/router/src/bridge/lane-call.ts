import { exactParamsOf, isRecord, legacyParams, metaKeys, takesInput } from '@mcp-router/protocol'
import type { InputRequest } from '@mcp-router/protocol'
import type { Lane, LaneTerms } from '@mcp-router/upstream'
import type { Context } from '../context.js'
import { Recovery } from '../calls/recover.js'
import { boundOf } from './bridged.js'
import type { Bridged } from './bridged.js'
import { BridgedCall } from './call.js'
import type { BridgedRequest } from './call.js'
import { reach } from './reach.js'
import type { ModernOutlet } from '../outlet/modern-outlet.js'

type Json = Readonly<Record<string, unknown>>

/** callOnLane makes a call that has a Lane to itself. It rejects when none could be had. */
export const callOnLane = async (
  context: Context,
  reply: ModernOutlet,
  bridged: Bridged,
  terms: LaneTerms,
): Promise<void> => {
  const { message, claim } = bridged
  const { lanes } = context.deps
  const level = claim.meta[metaKeys.logLevel]
  const take = async (): Promise<Lane> => {
    const lane = await reach(context, reply.incoming, bridged, (endpoint) =>
      lanes.take(bridged.backend, endpoint, terms),
    )
    if (typeof level === 'string') await lane.setLevel(level).catch(() => undefined)
    return lane
  }
  const request: BridgedRequest = {
    method: message.method,
    params: legacyParams(exactParamsOf(message)),
    logs: level !== undefined,
    canBeAsked: (question) =>
      takesInput(message.method) && canBeAsked(terms.capabilities, question),
  }
  const bound = boundOf(reply.incoming, bridged)
  const { parking, seal } = context.bridge
  const first = await take()
  // It may have waited for its turn.
  if (reply.incoming.isClosed()) {
    lanes.give(first)
    return
  }
  const { requestId, at } = reply.incoming
  const { backend } = bridged
  const recovery = new Recovery(context, { backend, message, requestId, at }, Infinity)
  const call = new BridgedCall(first, request, recovery, {
    park(parked, lane) {
      const state = parking.park(parked, bound)
      lanes.park(lane, () => parking.end(parked))
      return state
    },
    onBack: (lane) => lanes.unpark(lane),
    again: () => seal.seal({ instance: '', call: '' }, bound),
    retake: take,
    wasUsed: (lane) => lane.wasReleased,
    onOver: (lane) => lanes.give(lane),
  })
  call.start(reply, claim.meta['progressToken'])
}

/** The capability that a client must have declared to be asked. */
const capabilityOf: Readonly<Record<string, string>> = {
  'elicitation/create': 'elicitation',
  'sampling/createMessage': 'sampling',
  'roots/list': 'roots',
}

const canBeAsked = (capabilities: Json, { method, params }: InputRequest): boolean => {
  const name = capabilityOf[method]
  const capability = name === undefined ? undefined : capabilities[name]
  if (!isRecord(capability)) return false
  // Whoever names no mode means forms.
  return method !== 'elicitation/create' || params['mode'] !== 'url' || isRecord(capability['url'])
}
