import type { SessionStore } from '@mcp-router/store'
import type { HeldSession } from './held.js'

interface Options {
  readonly store: SessionStore
  /** The name of what the store holds; another one: it was emptied since. */
  readonly generation: () => Promise<string>
  readonly held: () => Iterable<HeldSession>
}

/** Restorer writes the records that this Instance remembers again, after the store has lost them all. */
export interface Restorer {
  /** Looks whether the store was emptied since the last time. True: it was, and all that is held here is in it again. */
  look(): Promise<boolean>
}

export const createRestorer = ({ store, generation, held }: Options): Restorer => {
  let known: string | undefined

  const writeAgain = async ({ record }: HeldSession): Promise<void> => {
    // Another Instance may remember it, too, and a later state of it.
    if (!(await store.find(record.id))) await store.create(record)
  }

  const look = async (): Promise<boolean> => {
    const now = await generation()
    const before = known
    if (before === now) return false
    if (before !== undefined) for (const each of [...held()]) await writeAgain(each)
    known = now
    return before !== undefined
  }

  let looking: Promise<boolean> = Promise.resolve(false)
  return {
    look() {
      // One after the other: who comes second must not take for intact what the first is still mending.
      looking = looking.catch(() => false).then(look)
      return looking
    },
  }
}
