import type { GatewayConfig } from '@mcp-router/config'
import type { Instance } from '@mcp-router/core'
import type { Router } from '@mcp-router/router'
import type { Registry, Store, StoreHealth } from '@mcp-router/store'
import { version } from './version.js'

/** Phase of a Gateway's life. */
export type Phase = 'starting' | 'ready' | 'draining'

/** Status is what an Instance says of itself and of the cluster (`GET /api/status`). */
export interface Status {
  readonly version: string
  readonly phase: Phase
  readonly instance: Instance & { readonly uptimeS: number; readonly calls: number }
  readonly store: StoreHealth & { readonly kind: Store['kind'] }
  readonly instances: readonly Instance[]
  readonly backends: readonly BackendStatus[]
}

interface BackendStatus {
  readonly name: string
  readonly sessions: number
  readonly endpoints: readonly {
    readonly id: string
    readonly transport: string
    readonly weight: number
    /** `down`: it refused lately and gets no new work for a moment. */
    readonly state: 'up' | 'down'
  }[]
}

interface Parts {
  readonly config: GatewayConfig
  readonly store: Store
  readonly registry: Registry
  readonly router: Router
  readonly phase: () => Phase
  readonly self: () => Instance
}

export const statusOf = async (parts: Parts): Promise<Status> => {
  const { store, registry, router } = parts
  const self = parts.self()
  const instances = await store.membership.list().catch(() => [self])
  const sessions = router.sessions()
  return {
    version,
    phase: parts.phase(),
    instance: {
      ...self,
      uptimeS: Math.round((Date.now() - self.startedAt) / 1_000),
      calls: router.calls(),
    },
    store: { kind: store.kind, ...store.health() },
    instances,
    backends: [...registry.snapshot().backends.values()].map(({ name, endpoints }) => ({
      name,
      sessions: sessions.get(name) ?? 0,
      endpoints: endpoints.map((endpoint) => ({
        id: endpoint.id,
        transport: endpoint.transport,
        weight: endpoint.weight,
        state: router.isDown(endpoint) ? 'down' : 'up',
      })),
    })),
  }
}
