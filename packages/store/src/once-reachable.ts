import { setTimeout as wait } from 'node:timers/promises'
import { RouterError } from '@mcp-router/core'

const pauseMs = 100
/** A round that took longer says that this process was paused: only this much of it counts, ms. */
const longestRoundMs = 2_000

/**
 * onceReachable repeats what failed because the store could not be reached, for `patienceMs` of the
 * time in which this process ran: a store that restarts is back in a moment.
 */
export const onceReachable = async <T>(patienceMs: number, work: () => Promise<T>): Promise<T> => {
  let waitedMs = 0
  let failedAt: number | undefined
  for (;;) {
    try {
      return await work()
    } catch (error) {
      const isAway = error instanceof RouterError && error.code === 'STORE_UNAVAILABLE'
      const now = performance.now()
      waitedMs += Math.min(now - (failedAt ?? now), longestRoundMs)
      failedAt = now
      if (!isAway || waitedMs > patienceMs) throw error
      await wait(pauseMs)
    }
  }
}
