import type { Endpoint, Session } from '@mcp-router/core'
import type { LiveSession } from '../path/owned/live.js'

/** Return is what came of waiting for a client: it has a Stream here; it did not come; or the Session went to another Instance, and so does the client. */
export type Return = 'here' | 'elsewhere' | 'late'

/** HeldSession is a Session as this Instance holds it in memory: its record, and what makes its next call cheap. */
export interface HeldSession {
  record: Session
  endpoint: Endpoint
  /** The Endpoint that its record names is no longer configured: a session is to be opened at `endpoint` before anything is sent there. */
  isReplaced: boolean
  /** Flat headers of a POST to the Endpoint, made once (http Endpoints). */
  postHeaders: string[]
  /** When its cookies were last written to the store, ms since the epoch. */
  cookiesAt?: number
  /** Set while a new session at its Endpoint is being opened. */
  reopening: Promise<void> | undefined
  /** Set while its Endpoint is asked whether it still knows the session. */
  doubted?: Promise<boolean | undefined> | undefined
  /** ms since the epoch */
  usedAt: number
  /** When the record was last read or written, as `performance.now()` counts: if it names this Instance, it was the Owner then. */
  ownedAt: number
  /** It was used since the last touch. */
  used: boolean
  /** Streams open to its client from here; they keep it alive. */
  streams: number
  /** Those who wait for its client to have a Stream here. */
  returning?: Set<(came: Return) => void> | undefined
  /** The stream of a portable Session towards its client, where that is here. */
  follower?: object | undefined
  /** Set while this Instance is the Owner. */
  live: LiveSession | undefined
}
