import type { Era } from '@mcp-router/core'

/** KnownEra is a verdict that lives for another `leftMs`. */
export interface KnownEra {
  readonly era: Era
  readonly leftMs: number
}

/**
 * EraStore keeps what the Instances found out that Endpoints speak, so that not each of them must ask. Whoever uses it makes the keys.
 * Every method rejects with STORE_UNAVAILABLE when the store cannot be reached.
 */
export interface EraStore {
  find(key: string): Promise<KnownEra | undefined>
  /** Replaces what was kept; its life begins anew. */
  keep(key: string, era: Era, ttlMs: number): Promise<void>
  forget(key: string): Promise<void>
}
