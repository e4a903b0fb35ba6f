/** Revival is how it goes with bringing an Upstream back; all but `underway` and `cause` is about a process. */
export interface Revival {
  underway: Promise<void> | undefined
  failures: number
  /** ms since the epoch */
  notBefore: number
  /** When it last came back, ms since the epoch. */
  since: number
  /** When it last came back at this Endpoint, also where that is no process, ms since the epoch. */
  openedAt?: number
  /** Why it is needed, as the end of "because …". */
  cause?: string | undefined
  /** The session at the server may be continued: an Owner before this one had it. */
  continues?: boolean
}

/** An Upstream that ended so soon behind its beginning will again: another Endpoint is better, ms. */
const briefMs = 3_000

/** wasBrief tells that the Upstream had only just come back when it ended. */
export const wasBrief = ({ openedAt = 0 }: Revival): boolean => Date.now() - openedAt < briefMs

const firstPauseMs = 250
const longestPauseMs = 30_000
/** An Upstream that held for so long is no sign of a server that cannot run, ms. */
const steadyMs = 30_000

/** putOff notes that the Upstream ended or did not come back; each time in a row the next attempt waits twice as long. */
export const putOff = (revival: Revival): number => {
  if (revival.since > 0 && Date.now() - revival.since > steadyMs) revival.failures = 0
  const pauseMs = Math.min(firstPauseMs * 2 ** revival.failures, longestPauseMs)
  // The first time a message need not wait: a server may crash once.
  revival.notBefore = revival.failures === 0 ? 0 : Date.now() + pauseMs
  revival.failures++
  return pauseMs
}
