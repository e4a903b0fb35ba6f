import { setTimeout as wait } from 'node:timers/promises'
import { RouterError } from '@mcp-router/core'

/** An Instance that is started while its store restarts waits for it so long, ms. */
const patienceMs = 8_000
const pauseMs = 200

/** onceReachable repeats what failed because the store could not be reached, for a while. */
export const onceReachable = async <T>(work: () => Promise<T>): Promise<T> => {
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
