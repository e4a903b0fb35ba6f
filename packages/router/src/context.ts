import { basename } from 'node:path'
import type { Backend, SessionId } from '@mcp-router/core'
import { RouterError } from '@mcp-router/core'
import type { GuardedCallLog } from '@mcp-router/store'
import type { Bridge } from './bridge/bridge.js'
import type { Deadlines } from './calls/deadlines.js'
import type { RouterDeps } from './deps.js'
import type { Handoff } from './cluster/handoff.js'
import type { Peers } from './cluster/peers.js'
import type { Incoming } from './http/incoming.js'
import type { Calls } from './calls/running-calls.js'
import type { KeepAlive } from './http/keep-alive.js'
import type { LongAnswers } from './outlet/long-answers.js'
import type { Selector } from './policy/selector.js'
import type { Buffers } from './streams/kept.js'
import type { Gates } from './sessions/gate.js'
import type { SessionEntry } from './sessions/entry.js'
import type { Orphans } from './sse/orphans.js'
import type { RecentRequests } from './sse/recent-requests.js'
import type { Listening } from './listening/listening.js'
import type { PortableReplays } from './path/portable/portable-replays.js'
import type { ReturnProofs } from './sse/return-proof.js'
import type { ModernEventIds } from './downstream/modern-event-id.js'
import type { ModernHeaders } from './downstream/modern-headers.js'
import type { Sessions } from './sessions/sessions.js'
import type { SessionCallLog } from './calls/session-call-log.js'

/** Context is what every Downstream works with. */
export interface Context {
  readonly deps: RouterDeps & { readonly callLog: GuardedCallLog }
  readonly sessions: Sessions
  readonly selector: Selector
  readonly handoff: Handoff
  readonly peers: Peers
  readonly keep: KeepAlive
  readonly deadlines: Deadlines
  readonly buffers: Buffers
  readonly longAnswers: LongAnswers
  readonly bridge: Bridge
  readonly eventIds: ModernEventIds
  readonly modernHeaders: ModernHeaders
  readonly calls: Calls
  readonly portableReplays: PortableReplays
  readonly orphans: Orphans
  readonly gates: Gates
  /** Those under way here. */
  readonly takeovers: Map<SessionId, Promise<SessionEntry | undefined>>
  readonly recentRequests: RecentRequests
  readonly callLog: SessionCallLog
  readonly listening: Listening
  readonly returns: ReturnProofs
  /** Set once the Instance takes no new Sessions. */
  draining: boolean
}

/** noteBackend tells the Incoming which Backend its path names, when it is configured, rightly or not: the log line of the call names it, whatever happens. */
export const noteBackend = (context: Context, incoming: Incoming, name: string): void => {
  const { backends, problems } = context.deps.registry.snapshot()
  const isConfigured = (backends as ReadonlyMap<string, Backend>).has(name) || problems.has(name)
  if (isConfigured) incoming.backend = name
}

/** requireBackend finds a Backend by the name in the path; BACKEND_UNKNOWN names those that there are, and tells of one that is off. */
export const requireBackend = (context: Context, name: string): Backend => {
  const { backends, problems, disabled } = context.deps.registry.snapshot()
  const backend = (backends as ReadonlyMap<string, Backend>).get(name)
  if (backend) return backend
  if (problems.has(name)) {
    const reason = 'its configuration has an error, which is in the log and in /api/status'
    throw new RouterError('BACKEND_MISCONFIGURED', { backend: name, reason })
  }
  const { serversFile } = context.deps.options
  throw new RouterError('BACKEND_UNKNOWN', {
    backend: name,
    known: [...backends.keys()],
    ...(disabled.includes(name) && { disabled: true }),
    ...(serversFile !== undefined && { file: basename(serversFile) }),
  })
}
