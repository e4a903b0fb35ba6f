import type { Backend, Endpoint, EventSink } from '@mcp-router/core'
import { RouterError } from '@mcp-router/core'
import type { ToolCatalog } from '../catalog.js'
import { endpointKey } from '../era/endpoint-key.js'
import type { Eras } from '../era/eras.js'
import type { HttpClient } from '../http/client.js'
import { openStdioUpstream } from '../stdio/upstream.js'
import type { ModernChannel } from './channel.js'
import { httpChannel } from './http.js'
import { notingLists } from './noting.js'
import { StdioChannel } from './stdio.js'

/** ModernChannels keeps one ModernChannel per Endpoint, for all callers of this Instance. */
export interface ModernChannels {
  /** The one of this Endpoint, whether or not anybody used it before; sse Endpoints have none. */
  of(backend: Backend, endpoint: Endpoint): ModernChannel
  /** Retires those of Endpoints that are no longer configured: `isKept` is asked with the endpointKey. */
  retain(isKept: (key: string) => boolean): void
  close(): Promise<void>
}

interface Deps {
  readonly client: HttpClient
  readonly events: EventSink
  /** The environment that stdio children see a filtered part of. */
  readonly env: Readonly<Record<string, string | undefined>>
  /** A child process that nobody calls is ended after this, ms. */
  readonly idleMs: number
  readonly eras?: Pick<Eras, 'spare'>
  /** Is filled with the tools that servers list. */
  readonly catalog: Pick<ToolCatalog, 'note'>
}

export const createModernChannels = ({
  client,
  events,
  env,
  idleMs,
  catalog,
  eras,
}: Deps): ModernChannels => {
  const channels = new Map<string, ModernChannel>()
  /** Their calls go on; nothing of them is held once these have ended. */
  const retired = new Set<ModernChannel>()
  let isClosed = false

  const open = (backend: Backend, endpoint: Endpoint): ModernChannel => {
    switch (endpoint.transport) {
      case 'http':
        return httpChannel({ client, endpoint, backend: backend.name })
      case 'stdio':
        return new StdioChannel(async (listener) => {
          const spare = eras?.spare?.(endpoint, undefined)
          if (spare) return spare.adopt(listener, events)
          const maxLineBytes = client.maxResponseBytes
          return openStdioUpstream({ endpoint, backend, listener, events, env, maxLineBytes })
        }, idleMs)
      case 'sse':
        throw new TypeError(`${endpoint.id} is of 2024-11-05: it has no modern channel`)
    }
  }

  return {
    of(backend, endpoint) {
      const key = endpointKey(endpoint)
      const known = channels.get(key)
      if (known) return known
      if (isClosed) throw new RouterError('DRAINING')
      const channel = notingLists(open(backend, endpoint), backend, catalog)
      channels.set(key, channel)
      return channel
    },
    retain(isKept) {
      for (const [key, channel] of channels) {
        if (isKept(key)) continue
        channels.delete(key)
        retired.add(channel)
        channel.retire()
      }
    },
    async close() {
      isClosed = true
      await Promise.all([...channels.values(), ...retired].map((channel) => channel.close()))
    },
  }
}
