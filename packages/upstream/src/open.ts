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

export const createDialer = ({ client, events, env }: DialerDeps): Dialer => {
  /** told tells of an sse Upstream; those of the other Transports do so themselves. */
  const told = (backend: Backend, endpoint: Endpoint, listener: UpstreamListener) => {
    const tell = (action: 'opened' | 'closed' | 'lost', reason: string): void =>
      events.emit({
        kind: 'upstream',
        action,
        backend: backend.name,
        endpoint: endpoint.id,
        reason,
      })
    const hearing: UpstreamListener = {
      onMessage: (message, about) => listener.onMessage(message, about),
      onClose(cause) {
        tell(cause ? 'lost' : 'closed', cause?.message ?? 'no longer needed')
        listener.onClose(cause)
      },
    }
    return { hearing, opened: () => tell('opened', endpoint.transport) }
  }

  return {
    async open(backend, endpoint, listener) {
      if (endpoint.transport === 'stdio') {
        return openStdioUpstream({ endpoint, backend, listener, events, env })
      }
      if (endpoint.transport === 'http') {
        return openHttpUpstream({ client, endpoint, backend: backend.name, listener, events })
      }
      const { hearing, opened } = told(backend, endpoint, listener)
      const upstream = await openSseUpstream({ client, endpoint, backend, listener: hearing })
      opened()
      return upstream
    },
  }
}
