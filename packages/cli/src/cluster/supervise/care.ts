import type { Found } from '../run/pid-file.js'

/** Exit is the end of a process that nobody asked for. */
export interface Exit {
  /** When it was noticed, ms since 1970. */
  readonly at: number
  /** `exited with code 1`; undefined: another process had started it, so its status is unknown. */
  readonly how?: string
}

/** Care is what the supervisor knows of one process. */
export interface Care {
  /** How often it was restarted since the operator started the cluster. */
  readonly restarts: number
  /** Exits in a row, without a healthy period between them. */
  readonly failures: number
  readonly lastExit?: Exit
  /** When the next attempt is due; undefined: it runs. */
  readonly nextTryAt?: number
  /** The process last seen running, and since when. */
  readonly pid?: number
  readonly since?: number
}

export const untouched: Care = { restarts: 0, failures: 0 }

const firstDelayMs = 500
const longestDelayMs = 60_000
/** A process that ran this long is healthy again: its next exit is the first in a row, ms. */
export const healthyMs = 60_000

/** delayOf is the back-off before the attempt after so many exits in a row, ms. */
export const delayOf = (failures: number): number =>
  Math.min(longestDelayMs, firstDelayMs * 2 ** Math.max(0, failures - 1))

/**
 * observed takes in what the pid file leads to now. A pid file without its process is an exit that
 * nobody asked for: `stop` and `restart` remove it.
 */
export const observed = (care: Care, found: Found, now: number, how?: string): Care => {
  switch (found.kind) {
    case 'none':
      return untouched
    case 'running':
      return running(care, found.pid, now)
    case 'stale': {
      if (care.nextTryAt !== undefined) return care
      const failures = isHealthy(care, now) ? 1 : care.failures + 1
      const lastExit: Exit = { at: now, ...(how !== undefined && { how }) }
      const { restarts } = care
      return { restarts, failures, lastExit, nextTryAt: now + delayOf(failures) }
    }
  }
}

/** isDue tells whether the process may be started. A clock that stepped back does not delay it. */
export const isDue = ({ nextTryAt }: Care, now: number): boolean =>
  nextTryAt !== undefined && (now >= nextTryAt || nextTryAt - now > longestDelayMs)

/** restarted is the state after an attempt; `pid` is undefined when it could not be spawned. */
export const restarted = (care: Care, pid: number | undefined, now: number): Care => {
  const { restarts, failures, lastExit } = care
  return {
    restarts: restarts + 1,
    failures,
    ...(lastExit && { lastExit }),
    ...(pid !== undefined && { pid, since: now }),
  }
}

const running = (care: Care, pid: number, now: number): Care => {
  if (care.pid === pid) return isHealthy(care, now) ? { ...care, failures: 0 } : care
  // Somebody else started it: the operator, whose start begins a new count.
  const { restarts, lastExit } = care
  return { restarts, failures: 0, pid, since: now, ...(lastExit && { lastExit }) }
}

const isHealthy = ({ since }: Care, now: number): boolean =>
  since !== undefined && now - since >= healthyMs
