import { setTimeout as wait } from 'node:timers/promises'
import { RouterError } from '@mcp-router/core'

const pauseMs = 100

/** onceReachable repeats what failed because the store could not be reached, for `patienceMs`: a store that restarts is back in a moment. */
export const onceReachable = async <T>(patienceMs: number, work: () => Promise<T>): Promise<T> => {
  const giveUpAt = performance.now() + patienceMs
  for (;;) {
    try {
      return await work()
    } catch (error) {
      const isAway = error instanceof RouterError && error.code === 'STORE_UNAVAILABLE'
      if (!isAway || performance.now() > giveUpAt) throw error
      await wait(pauseMs)
    }
  }
}
