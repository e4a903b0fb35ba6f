import type { Backend, EventSink } from '@mcp-router/core'
import { createListChanges } from './changes.js'
import type { ListChanges } from './changes.js'
import { closingDialer } from './closing-dialer.js'
import { createToolCatalog } from './catalog.js'
import type { ToolCatalog } from './catalog.js'
import type { HttpClient } from './http/client.js'
import { endpointKey } from './era/endpoint-key.js'
import type { Eras } from './era/eras.js'
import type { Transports } from './era/transports.js'
import { createLanes } from './lane/lanes.js'
import type { Lanes } from './lane/lanes.js'
import { createModernChannels } from './modern/channels.js'
import type { ModernChannels } from './modern/channels.js'
import { createDialer } from './open.js'
import type { Dialer } from './open.js'
import { createUpstreamPool } from './pool/pool.js'
import type { UpstreamPool } from './pool/pool.js'

/** Upstreams are all the ways of one Instance to its Endpoints. */
export interface Upstreams {
  readonly dialer: Dialer
  readonly pool: UpstreamPool
  readonly channels: ModernChannels
  readonly catalog: ToolCatalog
  readonly eras: Eras
  readonly transports: Transports
  readonly lanes: Lanes
  readonly changes: ListChanges
  /** Lets go of what was opened at Endpoints that these Backends, all that are configured now, no longer have as they were. */
  retain(backends: Iterable<Backend>): void
  close(): Promise<void>
}

interface Deps {
  readonly client: HttpClient
  readonly events: EventSink
  /** The environment that stdio children see a filtered part of. */
  readonly env: Readonly<Record<string, string | undefined>>
  readonly eras: Eras
  readonly transports: Transports
  /** A child process that nobody calls is ended after this, ms. */
  readonly idleMs: number
  /** How long an Endpoint may take to answer `initialize`, ms. */
  readonly openTimeoutMs: number
  /** How many processes of one command serve calls that may ask their client. */
  readonly maxProcesses: number
  /** How many Lanes may be open at one Endpoint that is no command. */
  readonly maxLanes: number
  /** How long such a call waits for its client before it makes room for others, ms. */
  readonly parkedMs: number
  /** How long the tools of a server are taken for what they were, ms; a notice of change ends it at once. */
  readonly toolsTtlMs: number
}

export const createUpstreams = (deps: Deps): Upstreams => {
  const { client, events, env, eras, transports, idleMs, openTimeoutMs } = deps
  const catalog = createToolCatalog({
    ttlMs: deps.toolsTtlMs,
    onRepeat(backend) {
      const error = new Error('its cursor never advances; the pages before the repeat are used')
      events.emit({ kind: 'fault', doing: `listing the tools of server "${backend}"`, error })
    },
  })
  const channels = createModernChannels({ client, events, env, idleMs, catalog, eras })
  const speaks = { eras, transports, channels, catalog }
  const dialer = closingDialer(createDialer({ client, events, env, ...speaks, openTimeoutMs }))
  const changes = createListChanges()
  changes.subscribe((backend, change) => {
    if (change === 'notifications/tools/list_changed') catalog.forget(backend)
  })
  const pool = createUpstreamPool({ dialer, events, changes, idleMs })
  const lanes = createLanes({ ...deps, dialer, changes })
  return {
    dialer,
    pool,
    channels,
    catalog,
    eras,
    transports,
    lanes,
    changes,
    retain(backends) {
      const keys = new Set([...backends].flatMap(({ endpoints }) => endpoints.map(endpointKey)))
      const isKept = (key: string): boolean => keys.has(key)
      transports.retain(isKept)
      lanes.retain(isKept)
      pool.retain(isKept)
      channels.retain(isKept)
    },
    async close() {
      dialer.close()
      await lanes.close()
      await pool.close()
      await channels.close()
    },
  }
}
