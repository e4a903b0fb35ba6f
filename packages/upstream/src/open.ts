import type { Backend, Endpoint, EventSink } from '@mcp-router/core'
import type { HttpClient } from './http/client.js'
import { openHttpUpstream } from './http/upstream.js'
import { openSseUpstream } from './sse/upstream.js'
import { openStdioUpstream } from './stdio/upstream.js'
import type { Upstream, UpstreamListener } from './upstream.js'

/** Dialer opens Upstreams, whatever the Transport. */
export interface Dialer {
  open(backend: Backend, endpoint: Endpoint, listener: UpstreamListener): Promise<Upstream>
}

interface DialerDeps {
  readonly client: HttpClient
  readonly events: EventSink
  /** The environment that stdio children see a filtered part of. */
  readonly env: Readonly<Record<string, string | undefined>>
}

export const createDialer = ({ client, events, env }: DialerDeps): Dialer => ({
  async open(backend, endpoint, listener) {
    switch (endpoint.transport) {
      case 'http':
        return openHttpUpstream({ client, endpoint, backend: backend.name, listener })
      case 'sse':
        return openSseUpstream({ client, endpoint, backend, listener })
      case 'stdio':
        return openStdioUpstream({ endpoint, backend, listener, events, env })
    }
  },
})
