import type { Backend, Endpoint, EventSink } from '@mcp-router/core'
import { openAdaptive } from './adaptive.js'
import type { ToolCatalog } from './catalog.js'
import { LegacyFace } from './face/face.js'
import type { Eras } from './era/eras.js'
import type { HttpClient } from './http/client.js'
import { openHttpUpstream } from './http/upstream.js'
import type { ModernChannels } from './modern/channels.js'
import { openSseUpstream } from './sse/upstream.js'
import { openStdioUpstream } from './stdio/upstream.js'
import type { Upstream, UpstreamListener } from './upstream.js'

/** Dialer opens Upstreams for clients with sessions, whatever the Transport and the Era of the Endpoint. */
export interface Dialer {
  open(backend: Backend, endpoint: Endpoint, listener: UpstreamListener): Promise<Upstream>
  /** Opens one of an Endpoint that is known to speak without sessions only. */
  openFace(backend: Backend, endpoint: Endpoint, listener: UpstreamListener): Upstream
}

interface DialerDeps {
  readonly client: HttpClient
  readonly events: EventSink
  /** The environment that stdio children see a filtered part of. */
  readonly env: Readonly<Record<string, string | undefined>>
  readonly eras: Eras
  readonly channels: ModernChannels
  readonly catalog: ToolCatalog
}

export const createDialer = (deps: DialerDeps): Dialer => {
  const { client, events, env, eras, channels, catalog } = deps

  const openNative = async (
    backend: Backend,
    endpoint: Endpoint,
    listener: UpstreamListener,
  ): Promise<Upstream> => {
    switch (endpoint.transport) {
      case 'http':
        return openHttpUpstream({ client, endpoint, backend: backend.name, listener, events })
      case 'stdio':
        return openStdioUpstream({ endpoint, backend, listener, events, env })
      case 'sse':
        return openSseUpstream({ client, endpoint, backend, listener, events })
    }
  }

  const openFace = (backend: Backend, endpoint: Endpoint, listener: UpstreamListener): Upstream => {
    const channel = channels.of(backend, endpoint)
    return new LegacyFace({ backend, channel, catalog, listener })
  }

  return {
    openFace,
    async open(backend, endpoint, listener) {
      if (endpoint.transport === 'sse' || backend.era === 'legacy') {
        return openNative(backend, endpoint, listener)
      }
      if (backend.era === 'modern') return openFace(backend, endpoint, listener)
      return openAdaptive({
        openNative: (hearing) => openNative(backend, endpoint, hearing),
        openFace: (hearing) => openFace(backend, endpoint, hearing),
        isModern: async () => (await eras.find(backend, endpoint)) === 'modern',
        listener,
      })
    },
  }
}
