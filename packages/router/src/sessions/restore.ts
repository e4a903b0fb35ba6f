import { setTimeout as wait } from 'node:timers/promises'
import type { Session, SessionId } from '@mcp-router/core'
import type { RestoreOutcome, SessionStore } from '@mcp-router/store'
import { createClockStep } from './clock-step.js'
import type { HeldSession } from './held.js'

interface Options {
  readonly store: SessionStore
  /** The name of what the store holds; another one: it was emptied since, or may have lost something. */
  readonly generation: () => Promise<string>
  readonly held: () => Iterable<HeldSession>
  readonly onRestored: (record: Session) => void
  /** The record is there again, whoever wrote it. */
  readonly onMended: (id: SessionId) => void
  /** How long other Instances may take to find out, and to write again what they remember. */
  readonly mendMs: number
}

/** Restorer writes the records that this Instance remembers again, after the store has lost them. */
export interface Restorer {
  /**
   * Looks whether the store lost anything, or its records expired at once because the clock was set forward. True: it did after `since` (as
   * `performance.now()` counts; the last look, unless it is given), and all that is held here is in it again.
   */
  look(since?: number): Promise<boolean>
  /** Reads a record. One that is not there though the store lost something a moment ago is awaited: whoever holds the Session writes it again. */
  find(id: SessionId): Promise<Session | undefined>
  /** Whether the store had lost the record of `entry` after `since`, or it was gone though nobody had ended its Session, and it is there again. */
  isMended(entry: Pick<HeldSession, 'record'>, since: number): Promise<boolean>
  /** Reads the record of a Session that is held, as last known while the store is away; one that is gone though nobody ended it is written again. */
  reread(entry: Pick<HeldSession, 'record'>): Promise<Session | undefined>
  /** Does again what came to nothing where the record of `entry` had been lost. */
  again<T>(
    entry: Pick<HeldSession, 'record'>,
    work: () => Promise<T | undefined>,
  ): Promise<T | undefined>
  /** Writes one record again that is gone though nobody ended its Session. */
  restore(entry: Pick<HeldSession, 'record'>): Promise<RestoreOutcome>
}

/** So many records are looked for in one round trip. */
const batch = 500
/** How often a record that may come back is looked for, ms. */
const pollMs = 100

export const createRestorer = (options: Options): Restorer => {
  const { store, generation, held, onRestored, onMended, mendMs } = options
  let known: string | undefined
  /** When all was written again that is held here, as `performance.now()` counts. */
  let mendedAt = -Infinity

  const clockStep = createClockStep()
  /** The clock was set forward, and not all that is held here is written again. */
  let isStepped = false

  // Another Instance may remember it, too, and a later state of it: what is there stays.
  const writeAgain = async ({ record }: Pick<HeldSession, 'record'>): Promise<RestoreOutcome> => {
    const outcome = await store.restore(record)
    if (outcome === 'restored') onRestored(record)
    if (outcome !== 'ended') onMended(record.id)
    return outcome
  }

  const look = async (since: number): Promise<boolean> => {
    const now = await generation()
    if (clockStep() > 0) isStepped = true
    if (isStepped || (known !== undefined && known !== now)) {
      const all = [...held()]
      for (let from = 0; from < all.length; from += batch) {
        await Promise.all(all.slice(from, from + batch).map(writeAgain))
      }
      mendedAt = performance.now()
      isStepped = false
    }
    known = now
    return mendedAt >= since
  }

  let looking: Promise<boolean> = Promise.resolve(false)
  return {
    look(since = performance.now()) {
      // One after the other: who comes second must not take for intact what the first is still mending.
      looking = looking.catch(() => false).then(() => look(since))
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
    async reread(entry) {
      const { record } = entry
      const found = await store.find(record.id).catch(() => record)
      if (found) return found
      return (await writeAgain(entry).catch(() => 'ended')) === 'restored' ? record : undefined
    },
    async isMended(entry, since) {
      return (await this.look(since)) || (await writeAgain(entry)) === 'restored'
    },
    async again(entry, work) {
      const askedAt = performance.now()
      return (await work()) ?? ((await this.isMended(entry, askedAt)) ? work() : undefined)
    },
    restore: writeAgain,
  }
}
