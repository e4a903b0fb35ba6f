import type { Backend } from '@mcp-router/core'
import { RouterError } from '@mcp-router/core'
import type { Bridge } from '../bridge/bridge.js'
import type { Deadlines } from '../deadlines.js'
import type { RouterDeps } from '../deps.js'
import type { Handoff } from '../handoff/handoff.js'
import type { Incoming } from '../incoming.js'
import type { Calls } from '../journal/calls.js'
import type { KeepAlive } from '../keep-alive.js'
import type { Selector } from '../policy/selector.js'
import type { Offers } from '../sessions/offers.js'
import type { PortableReplays } from '../sessions/portable-replays.js'
import type { Sessions } from '../sessions/table.js'
import type { Told } from '../sessions/told.js'

/** Context is what every Downstream works with. */
export interface Context {
  readonly deps: RouterDeps
  readonly sessions: Sessions
  readonly selector: Selector
  readonly handoff: Handoff
  readonly keep: KeepAlive
  readonly deadlines: Deadlines
  readonly bridge: Bridge
  readonly calls: Calls
  readonly portableReplays: PortableReplays
  readonly offers: Offers
  readonly told: Told
  /** Set once the Instance takes no new Sessions. */
  draining: boolean
}

/** noteBackend tells the Incoming which Backend its path names, when there is one: what is told of the call names it, whatever happens. */
export const noteBackend = (context: Context, incoming: Incoming, name: string): void => {
  const { backends } = context.deps.registry.snapshot()
  if ((backends as ReadonlyMap<string, Backend>).has(name)) incoming.backend = name
}

/** requireBackend finds a Backend by the name in the path; BACKEND_UNKNOWN names those that there are. */
export const requireBackend = (context: Context, name: string): Backend => {
  const { backends } = context.deps.registry.snapshot()
  const backend = (backends as ReadonlyMap<string, Backend>).get(name)
  if (backend) return backend
  throw new RouterError('BACKEND_UNKNOWN', { backend: name, known: [...backends.keys()] })
}
