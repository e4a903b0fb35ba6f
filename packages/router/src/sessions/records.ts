import { setTimeout as wait } from 'node:timers/promises'
import type { InstanceId, Session, SessionId } from '@mcp-router/core'
import { isAway } from '@mcp-router/store'
import type {
  QueuedWrite,
  RestoreOutcome,
  SessionChange,
  SessionStore,
  StoreGuard,
  TouchOutcome,
} from '@mcp-router/store'
import { isHeld } from './entry.js'
import type { SessionEntry } from './entry.js'

export interface RecordsDeps {
  readonly store: SessionStore
  readonly guard: StoreGuard
  /** The name of what the store holds; another one: it was emptied since, or may have lost something. */
  readonly generation: () => Promise<string>
  readonly held: () => Iterable<SessionEntry>
  readonly onRestored: (record: Session) => void
  /** The record is there again, whoever wrote it. */
  readonly onMended: (entry: SessionEntry) => void
  /** Both are for changes that had to wait for the store. */
  readonly onWritten: (entry: SessionEntry) => void
  readonly onRefused: (entry: SessionEntry) => void
  /** How long other Instances may take to find out that the store lost something, and to restore what they remember. */
  readonly mendMs: number
}

/** So many records are looked for in one round trip. */
const batch = 500
/** How often a record that may come back is looked for, ms. */
const pollMs = 100

/**
 * Records reads and writes what the store has of this Instance's Sessions. While the store is away, changes hold here, and are written
 * together once it is back; what the store has lost is written again.
 */
export class Records {
  private readonly deps: RecordsDeps
  private readonly clockStep = createClockStep()
  private generation: string | undefined
  /** When all was written again that is held here, as `performance.now()` counts. */
  private mendedAt = -Infinity
  /** The clock was set forward, and not all that is held here is written again. */
  private isStepped = false
  private looking: Promise<boolean> = Promise.resolve(false)

  constructor(deps: RecordsDeps) {
    this.deps = deps
  }

  /**
   * look finds out whether the store lost anything, or its records expired at once because the clock was set forward. True: it did after
   * `since` (as `performance.now()` counts; the last look, unless it is given), and all that is held here is in it again.
   */
  look(since = performance.now()): Promise<boolean> {
    // One after the other: who comes second must not take for intact what the first is still mending.
    this.looking = this.looking.catch(() => false).then(() => this.compare(since))
    return this.looking
  }

  /** find reads a record. One that is not there though the store lost something a moment ago is awaited: whoever holds the Session restores it. */
  async find(id: SessionId): Promise<Session | undefined> {
    for (let failures = 0; ;) {
      const record = await this.deps.store.find(id)
      if (record) return record
      try {
        await this.look()
      } catch (error) {
        // The store was there a moment ago: reading waits for it.
        if (failures++ > 0) throw error
        continue
      }
      if (performance.now() - this.mendedAt > this.deps.mendMs) return undefined
      await wait(pollMs, undefined, { ref: false })
    }
  }

  /** reread is the record of a Session that is held, as last known while the store is away; one that is gone though nobody ended it is restored. */
  async reread(entry: SessionEntry): Promise<Session | undefined> {
    const { record } = entry
    const found = await this.deps.store.find(record.id).catch(() => record)
    if (found) return found
    return (await this.restore(entry).catch(() => 'ended')) === 'restored' ? record : undefined
  }

  /** change resolves with false where the record has another Owner, or its Session was ended; true also while the store is away. */
  async change(entry: SessionEntry, change: SessionChange): Promise<boolean> {
    const askedAt = performance.now()
    if (await this.write(entry, change)) return true
    // What is restored has the change in it already.
    return this.isMended(entry, askedAt).catch(() => false)
  }

  /** whenWritten resolves once no change of a Session is missing in the store; with false where that is away for long, or full. */
  async whenWritten({ record: { id } }: SessionEntry): Promise<boolean> {
    const { guard } = this.deps
    await guard.until(() => !guard.writes.isAwaited(id))
    return guard.writes.get(id) === undefined
  }

  /** claim makes an Instance the Owner; undefined: another one was faster, or the Session was ended. */
  async claim(entry: SessionEntry, instance: InstanceId): Promise<Session | undefined> {
    const { id, epoch } = entry.record
    const askedAt = performance.now()
    const claim = () => this.deps.store.claim(id, epoch, instance)
    return (await claim()) ?? ((await this.isMended(entry, askedAt)) ? claim() : undefined)
  }

  /** touch renews the life of records. Undefined: nothing is known, or the record was lost and is restored; it is to be touched again. */
  async touch(
    entries: readonly SessionEntry[],
    now: number,
  ): Promise<readonly (TouchOutcome | undefined)[]> {
    const askedAt = performance.now()
    const touches = entries.map(({ record }) => ({ id: record.id, epoch: record.epoch }))
    const none: readonly TouchOutcome[] = []
    const outcomes = await this.deps.store.touch(touches, now).catch(() => none)
    const wasEmptied = outcomes.includes('gone') && (await this.look(askedAt).catch(() => true))
    return Promise.all(
      entries.map(async (entry, at) => {
        const outcome = outcomes[at]
        if (outcome !== 'gone') return outcome
        const isRestored =
          wasEmptied || (await this.restore(entry).catch(() => 'restored')) !== 'ended'
        return isRestored ? undefined : 'gone'
      }),
    )
  }

  private async compare(since: number): Promise<boolean> {
    const { guard, generation, held } = this.deps
    const now = await guard.retry(generation, guard.patience.none)
    if (this.clockStep() > 0) this.isStepped = true
    if (this.isStepped || (this.generation !== undefined && this.generation !== now)) {
      const all = [...held()]
      for (let from = 0; from < all.length; from += batch)
        await Promise.all(all.slice(from, from + batch).map((entry) => this.restore(entry)))
      this.mendedAt = performance.now()
      this.isStepped = false
    }
    this.generation = now
    return this.mendedAt >= since
  }

  /** Whether the store had lost the record after `since`, or it was gone though nobody had ended its Session, and it is there again. */
  private async isMended(entry: SessionEntry, since: number): Promise<boolean> {
    return (await this.look(since)) || (await this.restore(entry)) === 'restored'
  }

  /** Another Instance may remember it, too, and a later state of it: what is there stays. */
  private async restore(entry: SessionEntry): Promise<RestoreOutcome> {
    const outcome = await this.deps.store.restore(entry.record)
    if (outcome === 'restored') this.deps.onRestored(entry.record)
    if (outcome !== 'ended' && isHeld(entry)) this.deps.onMended(entry)
    return outcome
  }

  private async write(entry: SessionEntry, change: SessionChange): Promise<boolean> {
    const { writes, patience } = this.deps.guard
    const before = writes.get(entry.record.id)
    const earlier = before instanceof RecordWrite && before.entry === entry ? before : undefined
    const write = new RecordWrite(this.deps, entry, { ...earlier?.change, ...change })
    if (earlier?.isLate) {
      write.isLate = true
      writes.add(write)
      return true
    }
    try {
      return await writes.write(write, patience.none)
    } catch (error) {
      if (!isAway(error)) throw error
      write.isLate = true
      return true
    }
  }
}

class RecordWrite implements QueuedWrite {
  readonly entry: SessionEntry
  readonly change: SessionChange
  /** Nobody waits for it any more. */
  isLate = false
  private readonly deps: RecordsDeps

  constructor(deps: RecordsDeps, entry: SessionEntry, change: SessionChange) {
    this.deps = deps
    this.entry = entry
    this.change = change
  }

  get key(): SessionId {
    return this.entry.record.id
  }

  get bytes(): number {
    return this.change.initialize?.length ?? 0
  }

  async write(): Promise<boolean> {
    const { store, onWritten, onRefused } = this.deps
    const { id, epoch } = this.entry.record
    // The new Owner, or nobody, writes what is not held any more.
    if (this.isLate && !isHeld(this.entry)) return true
    const isWritten = await store.update(id, epoch, this.change)
    if (this.isLate && isHeld(this.entry)) (isWritten ? onWritten : onRefused)(this.entry)
    return isWritten
  }
}

/** Less is no step but the clock being set right, ms. */
const leastStepMs = 30_000

/**
 * createClockStep makes a function that tells by how much the clock of the system was set forward since it was last asked, ms, also
 * while the machine slept: records in a store on this machine have aged by it in no time. 0: it was not.
 */
export const createClockStep = (): (() => number) => {
  let offset = Date.now() - performance.now()
  return () => {
    const before = offset
    offset = Date.now() - performance.now()
    return offset - before < leastStepMs ? 0 : offset - before
  }
}
