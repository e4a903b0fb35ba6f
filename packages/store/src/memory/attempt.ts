import { RouterError } from '@mcp-router/core'
import type { StoreHealth } from '../store.js'

/** Attempt runs one operation; it rejects with STORE_UNAVAILABLE once the store is closed, as the Redis form does. */
export type Attempt = <T>(work: () => T) => Promise<T>

export const createAttempt =
  (health: () => StoreHealth): Attempt =>
  (work) => {
    const state = health()
    if (state.up) return Promise.resolve(work())
    return Promise.reject(new RouterError('STORE_UNAVAILABLE', { reason: state.reason }))
  }
