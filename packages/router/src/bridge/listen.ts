import type { Endpoint } from '@mcp-router/core'
import { RouterError } from '@mcp-router/core'
import { isRecord } from '@mcp-router/protocol'
import { discard, mayTryElsewhere, SessionLost } from '@mcp-router/upstream'
import type { Lane, LaneTerms } from '@mcp-router/upstream'
import type { Context } from '../context.js'
import type { Bridged } from './bridged.js'
import { honouredOf } from './filter.js'
import { reach } from './reach.js'
import type { ModernOutlet } from '../outlet/modern-outlet.js'
import { Subscription } from './subscription.js'

type Json = Readonly<Record<string, unknown>>

/** serveListen answers `subscriptions/listen` from a server with sessions: its notices of change, tagged with the subscription's id. */
export const serveListen = async (
  context: Context,
  reply: ModernOutlet,
  bridged: Bridged,
  terms: LaneTerms,
): Promise<void> => {
  const asked = bridged.claim.params['notifications']
  if (!isRecord(asked)) {
    reply.refuse(-32602, 'Invalid params: "notifications" must say what to listen to')
    return
  }
  const share = (endpoint: Endpoint): Promise<Lane> =>
    context.deps.lanes.share(bridged.backend, endpoint, terms)
  const reachLane = (): Promise<Lane> => reach(context, reply.incoming, bridged, share)
  try {
    const lane = await reachLane()
    try {
      await listenOn(context, reply, bridged, { lane, asked, reachLane })
    } catch (error) {
      if (!(error instanceof SessionLost) && !mayTryElsewhere(error)) throw error
      // It was open, and its server restarted since, or is gone.
      discard(lane.close())
      await listenOn(context, reply, bridged, { lane: await reachLane(), asked, reachLane })
    }
  } catch (error) {
    reply.fail(error)
  }
}

interface Listened {
  readonly lane: Lane
  readonly asked: Json
  /** Another Lane, for when this one takes no calls any more. */
  readonly reachLane: () => Promise<Lane>
}

/** listenOn rejects where the server could not be told what is wanted: then the client has heard nothing yet. */
const listenOn = async (
  context: Context,
  reply: ModernOutlet,
  { backend }: Bridged,
  { lane, asked, reachLane }: Listened,
): Promise<void> => {
  const subscription = new Subscription(reply, honouredOf(asked, lane))
  if (subscription.isEmpty()) {
    subscription.acknowledge()
    subscription.end()
    return
  }
  const { changes } = context.deps
  // Which session or Instance hears of a changed list is chance: all that hear of it tell.
  const forget = changes.subscribe((name, change) => {
    if (name === backend.name) subscription.notifyChange(change)
  })
  const end = (): void => subscription.end()
  const { listens } = context.bridge
  listens.add(end)
  const leave = (): void => {
    forget()
    listens.delete(end)
  }
  try {
    let isOver = false
    let stop = (): void => undefined
    // The client may listen anew; an ending that it did not ask for says so (2026-07-28, subscriptions).
    const lose = (): void => {
      const data = { backend: backend.name, reason: 'the session ended' }
      reply.breakOff(new RouterError('UPSTREAM_FAILED', data))
    }
    const listen = async (on: Lane): Promise<void> => {
      const stopHere = await on.listen(subscription.uris, {
        onUpdated: (message) => subscription.notifyUpdated(message),
        onSpent: () => discard(reachLane().then(listen).catch(lose)),
        onLost: lose,
      })
      // The one before it was heard until now: nothing fell between.
      stop()
      if (isOver) stopHere()
      else stop = stopHere
    }
    reply.whenOver(() => {
      isOver = true
      leave()
      stop()
    })
    await listen(lane)
  } catch (error) {
    leave()
    throw error
  }
  subscription.acknowledge()
}
