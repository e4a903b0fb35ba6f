import type { InvalidBackend, GatewayConfig } from '@mcp-router/config'
import type { Instance } from '@mcp-router/core'
import type { EndpointState, Router } from '@mcp-router/router'
import type { Registry, Store, StoreHealth } from '@mcp-router/store'
import type { LastError, LastErrors } from './last-errors.js'
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
  /** Servers of the servers file that are not served, because something is wrong with them. */
  readonly invalid: readonly InvalidBackend[]
  /** Servers that the servers file says are off. */
  readonly disabled: readonly string[]
}

interface BackendStatus {
  readonly name: string
  readonly sessions: number
  /** What is wrong with it in the servers file: it goes on as it was before. Absent: nothing. */
  readonly problems?: readonly string[]
  readonly endpoints: readonly {
    readonly id: string
    readonly transport: string
    readonly weight: number
    /**
     * At this Instance. `up`: it has answered, and its last call reached it; `down`: its last call did not reach it, or none has succeeded yet;
     * `unknown`: it had no call yet.
     */
    readonly state: EndpointState
    /** What it failed with last at this Instance, also where it works again. */
    readonly lastError?: string
    /** ISO 8601 */
    readonly lastErrorAt?: string
  }[]
}

interface Parts {
  readonly config: GatewayConfig
  readonly store: Store
  readonly registry: Registry
  readonly router: Router
  readonly phase: () => Phase
  readonly lastErrors: LastErrors
  readonly self: () => Instance
}

/** Whoever has the digest can try secrets against it. */
const withoutSecretDigest = (instance: Instance): Instance => {
  const shown: { -readonly [Key in keyof Instance]: Instance[Key] } = { ...instance }
  delete shown.secretDigest
  return shown
}

export const statusOf = async (parts: Parts): Promise<Status> => {
  const { store, registry, router } = parts
  const self = withoutSecretDigest(parts.self())
  const listed = await store.membership.list().catch(() => [self])
  const sessions = router.sessions()
  const { backends, problems, disabled } = registry.snapshot()
  const isServed = (name: string): boolean => [...backends.keys()].some((each) => each === name)
  return {
    version,
    phase: parts.phase(),
    instance: {
      ...self,
      uptimeS: Math.round((Date.now() - self.startedAt) / 1_000),
      calls: router.calls(),
    },
    store: { kind: store.kind, ...store.health() },
    instances: listed.map(withoutSecretDigest),
    backends: [...backends.values()].map(({ name, endpoints }) => ({
      name,
      sessions: sessions.get(name) ?? 0,
      ...(problems.has(name) && { problems: problems.get(name) ?? [] }),
      endpoints: endpoints.map((endpoint) => ({
        id: endpoint.id,
        transport: endpoint.transport,
        weight: endpoint.weight,
        ...stateBeside(router.stateOf(endpoint), parts.lastErrors.of(endpoint.id)),
      })),
    })),
    invalid: [...problems].flatMap(([name, each]) =>
      isServed(name) ? [] : [{ name, problems: each }],
    ),
    disabled,
  }
}

/** stateBeside is the state of an Endpoint beside its last error: one that failed and never worked is not unknown. */
export const stateBeside = (
  state: EndpointState,
  last: LastError,
): LastError & { readonly state: EndpointState } => ({
  state: state === 'unknown' && last.lastError !== undefined ? 'down' : state,
  ...last,
})
