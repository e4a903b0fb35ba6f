import type { EraStore } from './era-store.js'
import type { CallLog } from './call-log.js'
import type { Membership } from './membership.js'
import type { OrphanIndex } from './orphan-index.js'
import type { SessionLives } from './session-lives.js'
import type { SessionStore } from './session-store.js'

/**
 * StoreHealth: `up`, with why it refused to write when that was last tried, or since when (ms since
 * the epoch) and why it cannot be reached.
 */
export type StoreHealth =
  | { readonly up: true; readonly refusesWrites?: string }
  | { readonly up: false; readonly since: number; readonly reason: string }

/** StoreChange: it went away, and why, or it came back, and after how long. */
export type StoreChange =
  { readonly up: false; readonly reason: string } | { readonly up: true; readonly afterMs: number }

/** Store is what the cluster agrees on. `close` releases its connections. */
export interface Store {
  readonly kind: 'memory' | 'redis'
  readonly sessions: SessionStore
  readonly lives: SessionLives
  readonly membership: Membership
  readonly eras: EraStore
  readonly callLog: CallLog
  readonly orphans: OrphanIndex
  /** The secret that authenticates Instances to each other: made once for the cluster, or the configured one. */
  clusterSecret(): Promise<string>
  /**
   * Names what the store holds: another name means that it was emptied since (FLUSHALL, a restart without its files), or was away and may have
   * lost something, and that what is remembered elsewhere is worth writing again. The cluster secret is put back with it.
   */
  generation(): Promise<string>
  health(): StoreHealth
  close(): Promise<void>
}

/** StoreOptions are the lifetimes of what is stored, ms. */
export interface StoreOptions {
  readonly sessionTtlMs: number
  readonly leaseMs: number
  /** Used instead of one made in the store. */
  readonly clusterSecret?: string
  /** Called once each time Redis goes away and once each time it is back; not when it is reached for the first time. */
  readonly onChange?: (change: StoreChange) => void
}
