import type { InstanceId, SessionId } from '@mcp-router/core'
import type { SessionStore } from './session-store.js'

/** LifeEntry is one turn in the life of a Session, and what explains it; never arguments, params or secrets. */
export interface LifeEntry {
  /** ms since the epoch, by the clock of the Instance. */
  readonly at: number
  /** `opened`, `taken over`, `ended` …; Instances of another release may know others. */
  readonly kind: string
  /** Who noted it. */
  readonly instance: InstanceId
  readonly backend: string
  readonly principal: string
  readonly endpoint: string
  readonly epoch: number
  /** Why, as the end of "because …", or empty. */
  readonly cause: string
}

/**
 * SessionLives keep what happened to each Session: the last `lifeEntries` turns, in the order in which they arrived. A life is kept while its
 * Session is touched and for the TTL of one afterwards, so that it outlives the record. Every method rejects with STORE_UNAVAILABLE when the
 * store cannot be reached; what could not be noted then is dropped.
 */
export interface SessionLives {
  note(session: SessionId, entry: LifeEntry): Promise<void>
  /** The oldest first; none where nothing is known. */
  read(session: SessionId): Promise<readonly LifeEntry[]>
  /** Walks the Sessions of which something is known, also those that ended, without blocking the store (SCAN); order is not defined. */
  list(): AsyncIterable<SessionId>
}

/** How many turns of one Session are kept. */
export const lifeEntries = 100

/** RenewedLives can be kept for longer; it costs a store little, and nobody waits for it. */
export interface RenewedLives extends SessionLives {
  renew(sessions: readonly SessionId[]): void
}

/** renewingLives is a SessionStore that keeps, with each record that is touched, its life. */
export const renewingLives = (sessions: SessionStore, lives: RenewedLives): SessionStore => ({
  ...sessions,
  touch(touches, now) {
    // Before anything is awaited: what is asked for in one tick goes to Redis together.
    lives.renew(touches.map(({ id }) => id))
    return sessions.touch(touches, now)
  },
})
