import type { Backend, Endpoint, EventSink, HttpEndpoint } from '@mcp-router/core'
import { openAdaptive } from './adaptive.js'
import type { ToolCatalog } from './catalog.js'
import { LegacyFace } from './face/face.js'
import type { Eras } from './era/eras.js'
import type { Transports } from './era/transports.js'
import type { HttpClient } from './http/client.js'
import { openHttpUpstream } from './http/upstream.js'
import type { ModernChannels } from './modern/channels.js'
import { openSseUpstream } from './sse/upstream.js'
import { openStdioUpstream } from './stdio/upstream.js'
import type { ContinuedSession, Upstream, UpstreamListener } from './upstream.js'
import { WatchedUpstream } from './watched.js'

/** Dialer opens Upstreams for clients with sessions, whatever the Transport and the Era of the Endpoint. */
export interface Dialer {
  /** `initialize`: the params of the first request, where they are known already. */
  open(
    backend: Backend,
    endpoint: Endpoint,
    listener: UpstreamListener,
    initialize?: Readonly<Record<string, unknown>>,
  ): Promise<Upstream>
  /** Continues a session at an http Endpoint. It connects with the first message, which finds out whether the Endpoint still knows it. */
  continue(
    backend: Backend,
    endpoint: HttpEndpoint,
    session: ContinuedSession,
    listener: UpstreamListener,
  ): Upstream
  /** Opens one of an Endpoint that is known to speak without sessions only. */
  openFace(backend: Backend, endpoint: Endpoint, listener: UpstreamListener): Upstream
}

interface DialerDeps {
  readonly client: HttpClient
  readonly events: EventSink
  /** The environment that stdio children see a filtered part of. */
  readonly env: Readonly<Record<string, string | undefined>>
  readonly eras: Eras
  readonly transports: Transports
  readonly channels: ModernChannels
  readonly catalog: ToolCatalog
  /** How long an Endpoint may take to answer `initialize`, ms. */
  readonly openTimeoutMs: number
}

export const createDialer = (deps: DialerDeps): Dialer => {
  const { client, events, env, eras, transports, channels, catalog, openTimeoutMs } = deps

  const openNative = (
    backend: Backend,
    endpoint: Endpoint,
    listener: UpstreamListener,
    initialize: unknown,
  ): Promise<Upstream> =>
    new WatchedUpstream({ backend, listener, catalog, openTimeoutMs }).open((hearing) =>
      openTransport(backend, endpoint, hearing, initialize),
    )

  const openTransport = async (
    backend: Backend,
    given: Endpoint,
    listener: UpstreamListener,
    initialize: unknown,
  ): Promise<Upstream> => {
    const endpoint = transports.of(given)
    switch (endpoint.transport) {
      case 'http':
        return openHttpUpstream({ client, endpoint, backend: backend.name, listener, events })
      case 'stdio':
        return (
          eras.spare?.(endpoint, initialize)?.adopt(listener, events) ??
          openStdioUpstream({
            endpoint,
            backend,
            listener,
            events,
            env,
            maxLineBytes: client.maxResponseBytes,
          })
        )
      case 'sse':
        return openSseUpstream({ client, endpoint, backend, listener, events }).catch(
          (error: unknown) => {
            transports.doubt(endpoint, error)
            throw error
          },
        )
    }
  }

  const openFace = (backend: Backend, endpoint: Endpoint, listener: UpstreamListener): Upstream => {
    const channel = channels.of(backend, endpoint)
    return new LegacyFace({ backend, channel, catalog, listener, openTimeoutMs })
  }

  return {
    openFace,
    continue: (backend, endpoint, continued, listener) =>
      openHttpUpstream({ client, endpoint, backend: backend.name, listener, events, continued }),
    async open(backend, given, listener, initialize) {
      const endpoint = transports.of(given)
      const isAuto = endpoint.transport === 'http' && endpoint.isAuto === true
      const isLegacy = backend.era === 'legacy'
      if (endpoint.transport === 'sse' || (isLegacy && !isAuto)) {
        return openNative(backend, endpoint, listener, initialize)
      }
      if (backend.era === 'modern') return openFace(backend, endpoint, listener)
      return openAdaptive({
        openNative: (hearing) => openNative(backend, endpoint, hearing, initialize),
        openFace: (hearing) => openFace(backend, endpoint, hearing),
        isModern: isLegacy
          ? undefined
          : async () => (await eras.find(backend, endpoint)) === 'modern',
        isSse: () => transports.isSse(backend.name, endpoint),
        listener,
      })
    },
  }
}
