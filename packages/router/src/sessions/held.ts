import type { Endpoint, Session } from '@mcp-router/core'
import type { LiveSession } from './live.js'

/** HeldSession is a Session as this Instance holds it in memory: its record, and what makes its next call cheap. */
export interface HeldSession {
  record: Session
  endpoint: Endpoint
  /** Flat headers of a POST to the Endpoint, made once (http Endpoints). */
  postHeaders: string[]
  /** Set while a new session at its Endpoint is being opened. */
  reopening: Promise<void> | undefined
  /** ms since the epoch */
  usedAt: number
  /** When the record was last read or written, as `performance.now()` counts: if it names this Instance, it was the Owner then. */
  ownedAt: number
  /** It was used since the last touch. */
  used: boolean
  /** What its server lists is known here. */
  looked: boolean
  /** Streams open to its client from here; they keep it alive. */
  streams: number
  /** Set while this Instance is the Owner. */
  live: LiveSession | undefined
}
