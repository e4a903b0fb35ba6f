import type { Backend, Endpoint } from '@mcp-router/core'
import { RouterError } from '@mcp-router/core'
import { weightedRoundRobin } from './weighted-round-robin.js'
import type { Policy } from './weighted-round-robin.js'

/** Selector picks an Endpoint for new work and learns from failures: one that refused is left out for a while. */
export interface Selector {
  /** Throws NO_HEALTHY_ENDPOINT when all Endpoints but those `tried` are used up. */
  select(backend: Backend, tried?: ReadonlySet<Endpoint>): Endpoint
  failed(endpoint: Endpoint): void
  worked(endpoint: Endpoint): void
  isDown(endpoint: Endpoint): boolean
}

interface Fall {
  readonly until: number
  readonly times: number
}

const firstRestMs = 500
const longestRestMs = 10_000

export const createSelector = (): Selector => {
  const policies = new WeakMap<Backend, Policy>()
  const falls = new Map<string, Fall>()

  const policyOf = (backend: Backend): Policy => {
    const known = policies.get(backend)
    if (known) return known
    const made = weightedRoundRobin()
    policies.set(backend, made)
    return made
  }

  const isDown = (endpoint: Endpoint): boolean => {
    const fall = falls.get(endpoint.id)
    return fall !== undefined && fall.until > Date.now()
  }

  return {
    isDown,
    select(backend, tried) {
      const { endpoints } = backend
      // Nothing failed and nothing was tried: the usual case allocates nothing.
      if (falls.size === 0 && !tried && endpoints.length > 0 && endpoints.every(takesWork))
        return policyOf(backend)(endpoints)
      const open = endpoints.filter((each) => takesWork(each) && !tried?.has(each))
      const up = open.filter((each) => !isDown(each))
      const usable = up.length > 0 ? up : open
      if (usable.length === 0) {
        throw new RouterError('NO_HEALTHY_ENDPOINT', {
          backend: backend.name,
          reason: `${endpoints.length} of ${endpoints.length} endpoints failed`,
        })
      }
      return policyOf(backend)(usable)
    },
    failed(endpoint) {
      const times = (falls.get(endpoint.id)?.times ?? 0) + 1
      const restMs = Math.min(firstRestMs * 2 ** (times - 1), longestRestMs)
      falls.set(endpoint.id, { until: Date.now() + restMs, times })
    },
    worked(endpoint) {
      if (falls.size > 0) falls.delete(endpoint.id)
    },
  }
}

/** An Endpoint of weight 0 keeps the Sessions it has and gets no new work. */
const takesWork = (endpoint: Endpoint): boolean => endpoint.weight > 0
