import { setTimeout as wait } from 'node:timers/promises'
import { RouterError } from '@mcp-router/core'
import type { SessionChange, SessionStore } from '@mcp-router/store'
import type { HeldSession } from './held.js'

/** Unwritten are changes of Sessions that the store could not be told while it was away: they hold here, and are written once it is back. */
export interface Unwritten {
  /** Resolves with false where the record is gone or has another Owner; true also while the store is away. */
  write(entry: HeldSession, change: SessionChange): Promise<boolean>
  /** Whether a change of it waits for the store to come back. */
  has(entry: HeldSession): boolean
  close(): void
}

interface Options {
  readonly store: Pick<SessionStore, 'update'>
  /** Whether an entry is held still: what is not is nobody's to write. */
  readonly isHeld: (entry: HeldSession) => boolean
  readonly onWritten: (entry: HeldSession) => void
  readonly onRefused: (entry: HeldSession) => void
}

/** How often a store that is away is tried, ms. */
const pauseMs = 250

export const createUnwritten = ({ store, isHeld, onWritten, onRefused }: Options): Unwritten => {
  const changes = new Map<HeldSession, SessionChange>()
  let closed = false
  let trying = false

  const update = ({ record: { id, epoch } }: HeldSession, change: SessionChange) =>
    store.update(id, epoch, change)

  const writeOne = async (entry: HeldSession, change: SessionChange): Promise<void> => {
    const isWritten = !isHeld(entry) || (await update(entry, change))
    // There may be more to write by now.
    if (changes.get(entry) === change) changes.delete(entry)
    if (!isHeld(entry)) return
    if (isWritten) onWritten(entry)
    else onRefused(entry)
  }

  const tryAgain = async (): Promise<void> => {
    if (trying) return
    trying = true
    while (changes.size > 0 && !closed) {
      await wait(pauseMs)
      for (const [entry, change] of changes) await writeOne(entry, change).catch(() => undefined)
    }
    trying = false
  }

  return {
    async write(entry, change) {
      const before = changes.get(entry)
      try {
        if (!before) return await update(entry, change)
      } catch (error) {
        if (!(error instanceof RouterError) || error.code !== 'STORE_UNAVAILABLE') throw error
      }
      changes.set(entry, { ...before, ...change })
      void tryAgain()
      return true
    },
    has: (entry) => changes.has(entry),
    close() {
      closed = true
    },
  }
}
