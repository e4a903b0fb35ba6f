import { setTimeout as wait } from 'node:timers/promises'
import { RouterError } from '@mcp-router/core'
import { isFull } from '../redis/connection/unavailable.js'
import type { Outage } from './outage.js'

/** Waited is how long the store has been away, and how long this caller has waited for it, ms. */
interface Waited {
  readonly outageMs: number
  readonly callerMs: number
}

/** Patience decides whether a store that is away is tried again. */
export type Patience = (waited: Waited) => boolean

/** Retry repeats `work` while the store is away and `patience` lasts, then rejects with the error of the store. */
export type Retry = <T>(
  work: () => Promise<T>,
  patience: Patience,
  /** Asked at each failure: what it finds elsewhere is an answer, too. */
  otherwise?: () => Promise<T | undefined>,
) => Promise<T>

const pauseMs = 100
/** A round that took longer says that this process was paused: only this much of it counts, ms. */
const longestRoundMs = 2_000

export const createRetry =
  (outage: Outage): Retry =>
  async (work, patience, otherwise) => {
    let callerMs = 0
    for (let failedAt: number | undefined; ;) {
      try {
        const done = await work()
        outage.end()
        return done
      } catch (error) {
        // Waiting does not empty a full store.
        if (!isAway(error) || isFull(error)) throw error
        const now = performance.now()
        callerMs += Math.min(now - (failedAt ?? now), longestRoundMs)
        failedAt = now
        const mayWait = patience({ outageMs: outage.lastedMs(), callerMs })
        const found = await otherwise?.()
        if (found !== undefined) return found
        if (!mayWait) throw error
        await wait(pauseMs)
      }
    }
  }

/** isAway tells that a command failed because the store cannot be reached, or refuses. */
export const isAway = (error: unknown): boolean =>
  error instanceof RouterError && error.code === 'STORE_UNAVAILABLE'
