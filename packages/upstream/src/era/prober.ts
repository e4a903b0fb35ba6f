import type { Backend, Endpoint } from '@mcp-router/core'
import type { HttpClient } from '../http/client.js'
import { legacy } from './finding.js'
import type { Finding } from './finding.js'
import { probeHttp } from './http.js'
import type { Spares } from './spares.js'
import { createStdioProber } from './stdio.js'

/** Prober asks an Endpoint for its Era, whatever is configured or known. */
export interface Prober {
  /** Rejects, mostly with NO_HEALTHY_ENDPOINT or OPENING_FAILED, when the Endpoint does nothing that an Era follows from. */
  probe(
    backend: Backend,
    endpoint: Endpoint,
    initialize?: Readonly<Record<string, unknown>>,
  ): Promise<Finding>
  close(): Promise<void>
}

interface Deps {
  readonly client: HttpClient
  /** The environment that stdio children see a filtered part of. */
  readonly env: Readonly<Record<string, string | undefined>>
  /** How long a server may take to answer, ms. */
  readonly openTimeoutMs?: number | undefined
  /** Take the processes that were asked; without it they are ended. */
  readonly spares?: Spares
}

const patienceMs = 5_000

export const createProber = ({
  client,
  env,
  openTimeoutMs: startMs = 60_000,
  spares,
}: Deps): Prober => {
  const stdio = createStdioProber({ env, patienceMs, startMs, spares })
  return {
    async probe(backend, endpoint, initialize) {
      switch (endpoint.transport) {
        case 'http':
          return probeHttp(client, backend, endpoint, startMs)
        case 'stdio':
          return stdio.probe(backend, endpoint, initialize)
        case 'sse':
          return legacy('the transport is of 2024-11-05')
      }
    },
    close: () => stdio.close(),
  }
}
