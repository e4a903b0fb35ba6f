import { setTimeout as wait } from 'node:timers/promises'
import { createOutage } from './outage.js'
import { createRetry } from './retry.js'
import type { Patience, Retry } from './retry.js'
import { WriteQueue } from './write-queue.js'

/** StoreGuard is how an Instance waits for its store: one outage clock, one budget and one queue of writes for everything. */
export interface StoreGuard {
  readonly retry: Retry
  readonly patience: Readonly<Record<'optional' | 'required' | 'none', Patience>>
  readonly writes: WriteQueue
  /** Resolves once it is so, or with false after as long as what fails without the store waits for it. */
  until(isSo: () => boolean): Promise<boolean>
  /** Whether the last command that was tried found no store. */
  isAway(): boolean
  close(): void
}

const pauseMs = 50

/** createStoreGuard waits for a store that restarts: it is back within `budgetMs`. */
export const createStoreGuard = (budgetMs: number): StoreGuard => {
  const outage = createOutage()
  const retry = createRetry(outage)
  const writes = new WriteQueue(retry)
  return {
    retry,
    patience: patienceOf(budgetMs),
    writes,
    async until(isSo) {
      // Rounds are counted, so that a pause of this process is one.
      for (let waitedMs = 0; !isSo(); waitedMs += pauseMs) {
        if (waitedMs >= 2 * budgetMs) return false
        await wait(pauseMs, undefined, { ref: false })
      }
      return true
    },
    isAway: () => outage.isOn(),
    close: () => writes.close(),
  }
}

const patienceOf = (budgetMs: number): StoreGuard['patience'] => ({
  /**
   * For what goes on without the store: calls wait at the beginning of an outage, and not one by one during it. Where a part of
   * the store can be reached no outage lasts, so each has its limit, too.
   */
  optional: ({ outageMs, callerMs }) => Math.max(outageMs, callerMs) <= budgetMs,
  /** For what fails without the store: whenever it comes it waits, twice as long. */
  required: ({ callerMs }) => callerMs <= 2 * budgetMs,
  /** For what is tried again later anyway. */
  none: () => false,
})
