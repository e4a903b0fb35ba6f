import type { Backend, HttpEndpoint, Principal, Session, SessionId } from '@mcp-router/core'
import type { SessionChange } from '@mcp-router/store'
import type { Binding } from './binding.js'
import type { HeldSession } from './held.js'
import type { LiveSession } from '../path/owned/live.js'

/** Sessions are the cluster's Sessions as one Instance sees them: cached here, kept in the store. */
export interface Sessions {
  /** Resolves SESSION_NOT_FOUND for one that ended, belongs to another Principal or to another Backend: they look the same. */
  find(id: string, principal: Principal, backend: string): Promise<HeldSession>
  /** The cached one, for the hot path; undefined: ask `find`. */
  cached(id: string, principal: Principal, backend: string): HeldSession | undefined
  /** Stores a new Session; it is found by every Instance once this resolves. */
  open(record: Session, live?: LiveSession): Promise<HeldSession>
  /** Makes room for one more session at this backend (Quota.reserve). */
  reserve(principal: Principal, backend: Backend): Promise<() => void>
  /** Changes a Session here at once, in the store once that can be reached. */
  change(held: HeldSession, change: SessionChange): Promise<void>
  /** Resolves once the store has all changes of it; with false where it stays away, or is full: no other Instance knows of them. */
  whenWritten(held: HeldSession): Promise<boolean>
  /** What a record says of a Session that is at this Endpoint. */
  at: Binding['at']
  /** Reads the record again: another Instance may have changed it. Throws SESSION_NOT_FOUND where there is none any more. */
  refresh(held: HeldSession): Promise<void>
  /** Notes that a portable Session goes on at this Endpoint, under another session id there, and why. */
  rehome(
    held: HeldSession,
    endpoint: HttpEndpoint,
    change: SessionChange,
    cause?: string,
  ): Promise<void>
  /** When it went over to another session at its server, ms since the epoch, if a short time ago: event ids that its client has may be of the one before. */
  movedAt(id: SessionId): number | undefined
  /** Makes this Instance the Owner, and tells why; undefined where another one was faster, or the Session is gone. */
  claim(held: HeldSession, live: LiveSession, cause?: string): Promise<HeldSession | undefined>
  /** Ends a Session everywhere, and tells why: record, cache, Upstream, Streams. It resolves once its process is gone, or soon after. */
  end(held: HeldSession, cause?: string): Promise<void>
  /** Forgets what is cached of a Session that went elsewhere, or is over. It resolves once its process is gone, or soon after. */
  forget(id: SessionId, isOver?: boolean): Promise<void>
  /** Whether the store lost what it held within the last so many ms. */
  hasLost(withinMs: number): Promise<boolean>
  /** The one held here under this id, for its own live part. */
  held(id: SessionId): HeldSession | undefined
  /** Held in memory now. */
  all(): Iterable<HeldSession>
  size(): number
  /** Finds out at once which Sessions another Instance took over, while this one's lease had lapsed. */
  revalidate(): Promise<void>
  /** From now on, the calls of a Session that goes elsewhere are still answered here, until all is closed. */
  linger(): void
  /** releaseCalls releases the calls in flight of owned Sessions to the next Owner; those whose client cannot resume end with OUTCOME_UNKNOWN. */
  releaseCalls(): void
  close(): Promise<void>
}
