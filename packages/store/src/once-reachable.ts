import { setTimeout as wait } from 'node:timers/promises'
import { RouterError } from '@mcp-router/core'

const pauseMs = 100

/** onceReachable repeats what failed because the store could not be reached, for `patienceMs`: a store that restarts is back in a moment. */
export const onceReachable = async <T>(patienceMs: number, work: () => Promise<T>): Promise<T> => {
  // Counted from the first failure: this process may have stood still before.
  let giveUpAt: number | undefined
  for (;;) {
    try {
      return await work()
    } catch (error) {
      const isAway = error instanceof RouterError && error.code === 'STORE_UNAVAILABLE'
      giveUpAt ??= performance.now() + patienceMs
      if (!isAway || performance.now() > giveUpAt) throw error
      await wait(pauseMs)
    }
  }
}
