import { setTimeout as wait } from 'node:timers/promises'
import type { Backend, Endpoint } from '@mcp-router/core'
import { RouterError } from '@mcp-router/core'
import { endpointKey, isUnusable } from '@mcp-router/upstream'
import { weightedRoundRobin } from './weighted-round-robin.js'
import type { Policy } from './weighted-round-robin.js'

/** EndpointState is what became of the last call of an Endpoint; `unknown`: it had none yet. */
export type EndpointState = 'unknown' | 'up' | 'down'

/** Selector picks an Endpoint for new work and learns from failures: one that refused is left out for a while. */
export interface Selector {
  /** Throws NO_HEALTHY_ENDPOINT when all Endpoints but those `tried` are used up. */
  select(backend: Backend, tried?: ReadonlySet<Endpoint>): Endpoint
  failed(endpoint: Endpoint): void
  worked(endpoint: Endpoint): void
  /** It failed lately and gets no new work for a moment. */
  isDown(endpoint: Endpoint): boolean
  stateOf(endpoint: Endpoint): EndpointState
  /**
   * For when no Endpoint is left to try. True, after a pause: one has only just gone, and may be starting anew. `attempt` is the same for all that
   * is done to serve one request: its patience ends, however often the Endpoint works for others meanwhile.
   */
  mayReturn(backend: Backend, attempt: object): Promise<boolean>
}

interface Fall {
  /** Of the first failure in a row, ms since the epoch. */
  readonly since: number
  readonly until: number
  readonly times: number
}

const firstRestMs = 500
const longestRestMs = 10_000
const firstPauseMs = 50
const longestPauseMs = 500

/** `patienceMs`: calls wait so long for an Endpoint to come back, counted from when it went. */
export const createSelector = (patienceMs = 0): Selector => {
  const policies = new WeakMap<Backend, Policy>()
  const falls = new Map<string, Fall>()
  /** Those that have answered, as they are configured. */
  const proven = new WeakSet<Endpoint>()
  const provenKeys = new Set<string>()
  /** When each first waited, ms since the epoch. */
  const attempts = new WeakMap<object, number>()

  const policyOf = (backend: Backend): Policy => {
    const policy = policies.get(backend)
    if (policy) return policy
    const made = weightedRoundRobin()
    policies.set(backend, made)
    return made
  }

  const isDown = (endpoint: Endpoint): boolean => {
    const fall = falls.get(endpointKey(endpoint))
    return fall !== undefined && fall.until > Date.now()
  }

  return {
    isDown,
    stateOf(endpoint) {
      const key = endpointKey(endpoint)
      if (falls.has(key) || isUnusable(endpoint)) return 'down'
      return provenKeys.has(key) ? 'up' : 'unknown'
    },
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
      // It will not be back by itself: nobody waits for it, and the next call finds out at once whether it was corrected.
      if (isUnusable(endpoint)) return
      const before = falls.get(endpointKey(endpoint))
      const times = (before?.times ?? 0) + 1
      const since = before?.since ?? Date.now()
      const restMs = Math.min(firstRestMs * 2 ** (times - 1), longestRestMs)
      falls.set(endpointKey(endpoint), { since, until: Date.now() + restMs, times })
    },
    worked(endpoint) {
      if (!proven.has(endpoint)) {
        proven.add(endpoint)
        provenKeys.add(endpointKey(endpoint))
      }
      if (falls.size > 0) falls.delete(endpointKey(endpoint))
    },
    async mayReturn({ endpoints }, attempt) {
      const earliest = Date.now() - patienceMs
      const begunAt = attempts.get(attempt) ?? Date.now()
      attempts.set(attempt, begunAt)
      if (begunAt < earliest) return false
      const fallen = endpoints.map((each) => falls.get(endpointKey(each)))
      const may = endpoints.some((each, n) => {
        const fall = fallen[n]
        // One that has not fallen has worked for somebody since it failed here.
        return fall ? fall.since > earliest : takesWork(each) && !isUnusable(each)
      })
      const times = Math.max(1, ...fallen.map((fall) => fall?.times ?? 0))
      if (may) await wait(Math.min(firstPauseMs * times, longestPauseMs))
      return may
    },
  }
}

/** An Endpoint of weight 0 keeps the Sessions it has and gets no new work. */
const takesWork = (endpoint: Endpoint): boolean => endpoint.weight > 0
