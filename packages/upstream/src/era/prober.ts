import type { Backend, Endpoint } from '@mcp-router/core'
import type { HttpClient } from '../http/client.js'
import { legacy } from './finding.js'
import type { Finding } from './finding.js'
import { probeHttp } from './http.js'
import { createStdioProber } from './stdio.js'

/** Prober asks an Endpoint for its Era, whatever is configured or known. */
export interface Prober {
  /** Rejects, mostly with NO_HEALTHY_ENDPOINT or UPSTREAM_FAILED, when the Endpoint does nothing that an Era follows from. */
  probe(backend: Backend, endpoint: Endpoint): Promise<Finding>
  close(): Promise<void>
}

interface Deps {
  readonly client: HttpClient
  /** The environment that stdio children see a filtered part of. */
  readonly env: Readonly<Record<string, string | undefined>>
}

const patienceMs = 5_000
/** As long as the handshake of a Session may take, ms. */
const startMs = 60_000

export const createProber = ({ client, env }: Deps): Prober => {
  const stdio = createStdioProber({ env, patienceMs, startMs })
  return {
    async probe(backend, endpoint) {
      switch (endpoint.transport) {
        case 'http':
          return probeHttp(client, backend, endpoint)
        case 'stdio':
          return stdio.probe(backend, endpoint)
        case 'sse':
          return legacy('the transport is of 2024-11-05')
      }
    },
    close: () => stdio.close(),
  }
}
