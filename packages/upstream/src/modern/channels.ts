import type { Backend, Endpoint, EndpointId, EventSink } from '@mcp-router/core'
import type { HttpClient } from '../http/client.js'
import { openStdioUpstream } from '../stdio/upstream.js'
import { discard } from '../upstream.js'
import type { ModernChannel } from './channel.js'
import { httpChannel } from './http.js'
import { StdioChannel } from './stdio.js'

/** ModernChannels keeps one ModernChannel per Endpoint, for all callers of this Instance. */
export interface ModernChannels {
  /** The one of this Endpoint, whether or not anybody used it before; sse Endpoints have none. */
  of(backend: Backend, endpoint: Endpoint): ModernChannel
  close(): Promise<void>
}

interface Deps {
  readonly client: HttpClient
  readonly events: EventSink
  /** The environment that stdio children see a filtered part of. */
  readonly env: Readonly<Record<string, string | undefined>>
  /** A child process that nobody calls is ended after this, ms. */
  readonly idleMs: number
}

interface Entry {
  readonly endpoint: Endpoint
  readonly channel: ModernChannel
}

export const createModernChannels = ({ client, events, env, idleMs }: Deps): ModernChannels => {
  const entries = new Map<EndpointId, Entry>()

  const open = (backend: Backend, endpoint: Endpoint): ModernChannel => {
    switch (endpoint.transport) {
      case 'http':
        return httpChannel({ client, endpoint, backend: backend.name })
      case 'stdio':
        return new StdioChannel(
          (listener) => openStdioUpstream({ endpoint, backend, listener, events, env }),
          idleMs,
        )
      case 'sse':
        throw new TypeError(`${endpoint.id} is of 2024-11-05: it has no modern channel`)
    }
  }

  return {
    of(backend, endpoint) {
      const known = entries.get(endpoint.id)
      if (known && (known.endpoint === endpoint || isSame(known.endpoint, endpoint))) {
        return known.channel
      }
      // The operator changed its command or headers: what is under way there fails, what comes goes to the new one.
      if (known) discard(known.channel.close())
      const channel = open(backend, endpoint)
      entries.set(endpoint.id, { endpoint, channel })
      return channel
    },
    async close() {
      await Promise.all([...entries.values()].map(({ channel }) => channel.close()))
    },
  }
}

const isSame = (one: Endpoint, other: Endpoint): boolean =>
  JSON.stringify(one) === JSON.stringify(other)
