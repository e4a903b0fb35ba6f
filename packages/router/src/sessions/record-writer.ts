import type { SessionId } from '@mcp-router/core'
import { isAway } from '@mcp-router/store'
import type { QueuedWrite, SessionChange, SessionStore, StoreGuard } from '@mcp-router/store'
import type { HeldSession } from './held.js'

/** RecordWriter writes changes of Sessions. While the store is away they hold here, and are written together once it is back. */
export interface RecordWriter {
  /** Resolves with false where the record is gone or has another Owner; true also while the store is away. */
  write(entry: HeldSession, change: SessionChange): Promise<boolean>
  /** Resolves once no change of it is missing in the store; with false where that is away for long, or full. */
  whenWritten(entry: HeldSession): Promise<boolean>
}

interface Options {
  readonly store: Pick<SessionStore, 'update'>
  readonly guard: StoreGuard
  /** Whether an entry is held still: the changes of others are not written. */
  readonly isHeld: (entry: HeldSession) => boolean
  /** Both are for changes that had to wait for the store. */
  readonly onWritten: (entry: HeldSession) => void
  readonly onRefused: (entry: HeldSession) => void
}

export const createRecordWriter = (options: Options): RecordWriter => {
  const { guard } = options
  const { writes, patience } = guard
  return {
    async write(entry, change) {
      const before = writes.get(entry.record.id)
      const earlier = before instanceof RecordWrite && before.entry === entry ? before : undefined
      const write = new RecordWrite(options, entry, { ...earlier?.change, ...change })
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
    },
    async whenWritten({ record: { id } }) {
      await guard.until(() => !writes.isAwaited(id))
      return writes.get(id) === undefined
    },
  }
}

class RecordWrite implements QueuedWrite {
  readonly entry: HeldSession
  readonly change: SessionChange
  /** Nobody waits for it any more. */
  isLate = false
  private readonly options: Options

  constructor(options: Options, entry: HeldSession, change: SessionChange) {
    this.options = options
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
    const { store, isHeld, onWritten, onRefused } = this.options
    const { id, epoch } = this.entry.record
    if (this.isLate && !isHeld(this.entry)) return true
    const isWritten = await store.update(id, epoch, this.change)
    if (this.isLate && isHeld(this.entry)) (isWritten ? onWritten : onRefused)(this.entry)
    return isWritten
  }
}
