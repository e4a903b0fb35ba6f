import type { Endpoint, Session } from '@mcp-router/core'
import type { LiveSession } from '../path/owned/live.js'

/** Return is what came of waiting for a client: it has a Stream here; it did not come; or the Session went to another Instance, and so does the client. */
export type Return = 'here' | 'elsewhere' | 'late'

/** Phase is what becomes of a Session at this Instance; `released`: another Instance may go on with it, `ended`: nobody does. */
type Phase =
  | {
      readonly kind: 'live'
      /** Its Endpoint is being asked whether it still knows the session. */
      readonly doubt?: Promise<boolean | undefined>
    }
  | { readonly kind: 'reopening'; readonly done: Promise<void> }
  | { readonly kind: 'released' }
  | { readonly kind: 'ended' }

/** SessionEntry is a Session as this Instance holds it in memory: its record, and what makes its next call cheap. */
export interface SessionEntry {
  record: Session
  phase: Phase
  endpoint: Endpoint
  /** The Endpoint that its record names is no longer configured: a session is to be opened at `endpoint` before anything is sent there. */
  isReplaced: boolean
  /** Flat headers of a POST to the Endpoint, made once (http Endpoints). */
  postHeaders: string[]
  /** When its cookies were last written to the store, ms since the epoch. */
  cookiesAt?: number
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
  /** Set while this Instance is the Owner. */
  live: LiveSession | undefined
}

export const isHeld = ({ phase }: SessionEntry): boolean =>
  phase.kind === 'live' || phase.kind === 'reopening'

/** reopenOnce opens a new session at the Endpoint; all who need it wait for the same one. */
export const reopenOnce = (entry: SessionEntry, open: () => Promise<void>): Promise<void> => {
  if (entry.phase.kind === 'reopening') return entry.phase.done
  const done = open().finally(() => {
    if (entry.phase === reopening) entry.phase = { kind: 'live' }
  })
  const reopening = { kind: 'reopening', done } as const
  if (isHeld(entry)) entry.phase = reopening
  return done
}

/** doubtOnce asks whether the Endpoint still knows the session; all who doubt wait for the same answer. */
export const doubtOnce = (
  entry: SessionEntry,
  ask: () => Promise<boolean | undefined>,
): Promise<boolean | undefined> => {
  if (entry.phase.kind !== 'live') return ask()
  if (entry.phase.doubt) return entry.phase.doubt
  const doubt = ask().finally(() => {
    if (entry.phase === doubted) entry.phase = { kind: 'live' }
  })
  const doubted = { kind: 'live', doubt } as const
  entry.phase = doubted
  return doubt
}

/** ownedBy tells that this Instance drives the Session. */
export const ownedBy = (record: Session, instance: string): boolean =>
  record.epoch > 0 && record.instance === instance

/** isInUse tells that a client listens to a session here, or waits for an answer. */
export const isInUse = ({ streams, live }: Pick<SessionEntry, 'streams' | 'live'>): boolean =>
  streams > 0 || live?.isBusy() === true
