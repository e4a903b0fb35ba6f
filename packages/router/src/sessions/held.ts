import type { Endpoint, Session } from '@mcp-router/core'
import type { RelayHooks } from '../relay.js'
import type { LiveSession } from './live.js'

/** HeldSession is a Session as this Instance holds it in memory: its record, and what makes its next call cheap. */
export interface HeldSession {
  record: Session
  endpoint: Endpoint
  /** Flat headers of a POST to the Endpoint, made once (http Endpoints). */
  postHeaders: string[]
  /** What relayed answers change for this Session, made once (http Endpoints). */
  hooks: RelayHooks | undefined
  /** ms since the epoch */
  usedAt: number
  /** It was used since the last touch. */
  used: boolean
  /** Streams open to its client from here; they keep it alive. */
  streams: number
  /** Set while this Instance is the Owner. */
  live: LiveSession | undefined
}
