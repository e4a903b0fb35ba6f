import type { EventSink } from '@mcp-router/core'
import { createListChanges } from './changes.js'
import type { ListChanges } from './changes.js'
import { createToolCatalog } from './catalog.js'
import type { ToolCatalog } from './catalog.js'
import type { HttpClient } from './http/client.js'
import type { Eras } from './era/eras.js'
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
  readonly lanes: Lanes
  readonly changes: ListChanges
  close(): Promise<void>
}

interface Deps {
  readonly client: HttpClient
  readonly events: EventSink
  /** The environment that stdio children see a filtered part of. */
  readonly env: Readonly<Record<string, string | undefined>>
  readonly eras: Eras
  /** A child process that nobody calls is ended after this, ms. */
  readonly idleMs: number
}

/** How long the tools of a server are taken for what they were, ms; a notice of change ends it at once. */
const catalogMs = 60_000

export const createUpstreams = ({ client, events, env, eras, idleMs }: Deps): Upstreams => {
  const channels = createModernChannels({ client, events, env, idleMs })
  const catalog = createToolCatalog({ ttlMs: catalogMs })
  const dialer = createDialer({ client, events, env, eras, channels, catalog })
  const changes = createListChanges()
  changes.whenTold((backend, change) => {
    if (change === 'notifications/tools/list_changed') catalog.forget(backend)
  })
  const pool = createUpstreamPool({ dialer, events, changes, idleMs })
  const lanes = createLanes({ dialer, changes, idleMs })
  return {
    dialer,
    pool,
    channels,
    catalog,
    eras,
    lanes,
    changes,
    async close() {
      await lanes.close()
      await pool.close()
      await channels.close()
    },
  }
}
