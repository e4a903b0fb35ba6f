import { setTimeout as wait } from 'node:timers/promises'
import type { Session, SessionId } from '@mcp-router/core'
import type { SessionStore } from '@mcp-router/store'
import type { HeldSession } from './held.js'

interface Options {
  readonly store: SessionStore
  /** The name of what the store holds; another one: it was emptied since, or may have lost something. */
  readonly generation: () => Promise<string>
  readonly held: () => Iterable<HeldSession>
  readonly onRestored: (record: Session) => void
  /** How long other Instances may take to find out, and to write again what they remember. */
  readonly mendMs: number
}

/** Restorer writes the records that this Instance remembers again, after the store has lost them. */
export interface Restorer {
  /**
   * Looks whether the store lost anything. True: it did after `since` (as `performance.now()` counts; the last look, unless it is given), and all
   * that is held here is in it again.
   */
  look(since?: number): Promise<boolean>
  /** Reads a record. One that is not there though the store lost something a moment ago is awaited: whoever holds the Session writes it again. */
  find(id: SessionId): Promise<Session | undefined>
  /** Does again what came to nothing where the store had lost what is held here. */
  again<T>(work: () => Promise<T | undefined>): Promise<T | undefined>
  /** The store could not be reached at the last look. */
  isAway(): boolean
}

/** So many records are looked for in one round trip. */
const batch = 500
/** How often a record that may come back is looked for, ms. */
const pollMs = 100

export const createRestorer = (options: Options): Restorer => {
  const { store, generation, held, onRestored, mendMs } = options
  let known: string | undefined
  /** When all was written again that is held here, as `performance.now()` counts. */
  let mendedAt = -Infinity
  let isAway = false

  const writeAgain = async ({ record }: HeldSession): Promise<void> => {
    // Another Instance may remember it, too, and a later state of it.
    if (await store.find(record.id)) return
    await store.create(record)
    onRestored(record)
  }

  const look = async (since: number): Promise<boolean> => {
    const now = await generation()
    if (known !== undefined && known !== now) {
      const all = [...held()]
      for (let from = 0; from < all.length; from += batch) {
        await Promise.all(all.slice(from, from + batch).map(writeAgain))
      }
      mendedAt = performance.now()
    }
    known = now
    return mendedAt >= since
  }

  let looking: Promise<boolean> = Promise.resolve(false)
  return {
    look(since = performance.now()) {
      // One after the other: who comes second must not take for intact what the first is still mending.
      looking = looking.catch(() => false).then(() => look(since))
      looking.then(
        () => (isAway = false),
        () => (isAway = true),
      )
      return looking
    },
    async find(id) {
      for (let failures = 0; ;) {
        const record = await store.find(id)
        if (record) return record
        try {
          await this.look()
        } catch (error) {
          // The store was there a moment ago: reading waits for it.
          if (failures++ > 0) throw error
          continue
        }
        if (performance.now() - mendedAt > mendMs) return undefined
        await wait(pollMs, undefined, { ref: false })
      }
    },
    async again(work) {
      const askedAt = performance.now()
      return (await work()) ?? ((await this.look(askedAt)) ? work() : undefined)
    },
    isAway: () => isAway,
  }
}
