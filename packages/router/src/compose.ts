import { guardCallLog } from '@mcp-router/store'
import { createSharedKeys } from '@mcp-router/upstream'
import { createBridge } from './bridge/bridge.js'
import type { Context } from './context.js'
import { createDeadlines } from './calls/deadlines.js'
import type { RouterDeps } from './deps.js'
import { createModernEventIds } from './downstream/modern-event-id.js'
import { ModernHeaders } from './downstream/modern-headers.js'
import { createHandoff } from './cluster/handoff.js'
import { createMembers } from './cluster/members.js'
import { createPeers } from './cluster/peers.js'
import { createRecall, recalling } from './cluster/recall.js'
import { createCalls } from './calls/running-calls.js'
import { createKeepAlive } from './http/keep-alive.js'
import { createLongAnswers } from './outlet/long-answers.js'
import { createSelector } from './policy/selector.js'
import { Gates } from './sessions/gate.js'
import { createBuffers } from './streams/kept.js'
import { Listening } from './listening/listening.js'
import { createOrphans } from './sse/orphans.js'
import { relogPending } from './sse/pending.js'
import { createPortableReplays } from './path/portable/portable-replays.js'
import { nobody, PortableStream } from './path/portable/portable-stream.js'
import { rebound } from './sessions/rebound.js'
import { createReturnProofs } from './sse/return-proof.js'
import { restOwned } from './path/owned/revive.js'
import { createSessions } from './sessions/sessions.js'
import { RecentRequests } from './sse/recent-requests.js'
import { SessionCallLog } from './calls/session-call-log.js'

/** Composed is the Context of an Instance, with what ends all that belongs to it: Streams and Upstreams, too. */
export interface Composed {
  readonly context: Context
  readonly close: () => Promise<void>
}

/** compose builds the data plane of an Instance. */
export const compose = (given: RouterDeps): Composed => {
  const returnedAt = performance.now() + (given.returningMs ?? 0)
  const deps = { ...given, callLog: guardCallLog(given.callLog, given.guard) }
  const keep = createKeepAlive(deps.options.keepAliveMs)
  const deadlines = createDeadlines()
  const buffers = createBuffers(deadlines, deps.options.maxReplayBytes)
  const members = createMembers(deps.membership, deps.clusterSecret)
  const recall = createRecall({
    client: deps.client,
    members,
    instance: deps.instance,
    secret: deps.clusterSecret,
  })
  const store = recalling(deps.sessions, recall, deps.guard)
  const sessions = createSessions({
    ...deps,
    store,
    onMended(held) {
      // Without this a client that comes back is a new one, who waits for nothing.
      orphans.renew(held)
      relogPending(context, held)
    },
    onRest: ({ live }) => live && restOwned(live),
    onMoved: (id, record) => listening.onMoved(id, record),
    onLoaded: (record) => performance.now() < returnedAt && listening.onMoved(record.id, record),
    onOver: (id) => listening.end(id),
    keys: createSharedKeys(deps.clusterSecret),
    onRebound: (held) => rebound(context, held),
  })
  const orphans = createOrphans({
    deps,
    sessions,
    deadlines,
    isDraining: () => context.draining,
  })
  const handoff = createHandoff({
    client: deps.client,
    members,
    keep,
    deadlines,
    secret: deps.clusterSecret,
    instance: deps.instance,
  })
  const peers = createPeers({
    client: deps.client,
    members,
    instance: deps.instance,
    secret: deps.clusterSecret,
    onLost: () => listening.onLost(),
  })
  const listening = new Listening({
    instance: deps.instance,
    peers,
    streamOf: (held) => new PortableStream(context, nobody(context, held), held),
  })
  const selector = createSelector(deps.options.endpointPatienceMs)
  const context: Context = {
    deps,
    sessions,
    selector,
    handoff,
    keep,
    deadlines,
    buffers,
    longAnswers: createLongAnswers(deps.client.maxResponseBytes),
    bridge: createBridge({ ...deps, inputTtlMs: deps.options.inputTtlMs }),
    eventIds: createModernEventIds(deps.clusterSecret),
    modernHeaders: new ModernHeaders(),
    calls: createCalls(deps.callLog),
    returns: createReturnProofs(deps.instance),
    callLog: new SessionCallLog(deps.callLog, buffers.ageing),
    portableReplays: createPortableReplays(deps.instance, deps.clusterSecret, buffers),
    orphans,
    gates: new Gates(),
    takeovers: new Map(),
    recentRequests: new RecentRequests(),
    listening,
    peers,
    draining: false,
  }
  const stopNoting = deps.changes.whenNoted((backend, change) =>
    deps.broadcast.listChanged(backend, change),
  )

  return {
    context,
    async close() {
      peers.close()
      listening.close()
      for (const end of [...context.bridge.listens]) end()
      // They are told on streams that end in a moment.
      sessions.releaseCalls()
      for (const stream of [...keep.streams]) stream.end()
      stopNoting()
      members.close()
      keep.close()
      context.bridge.close()
      deadlines.close()
      await sessions.close()
    },
  }
}
