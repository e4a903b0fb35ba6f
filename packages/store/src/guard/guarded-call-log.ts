import type { SessionId } from '@mcp-router/core'
import type { CallLog, CallEntry } from '../call-log.js'
import type { StoreGuard } from './store-guard.js'
import type { QueuedWrite } from './write-queue.js'

/**
 * GuardedCallLog is a CallLog that outlives outages of its store: it waits for a store that restarts, and rejects at once while
 * that is away for longer. Entries are written as soon as the store is back all the same: their Instance may be killed a moment later.
 */
export interface GuardedCallLog extends CallLog {
  /** Whether this entry of a Session waits for the store to come back, or is being written; a full store is not waited for. */
  isUnwritten(session: SessionId, entry: string): boolean
  /** What is not written of a Session. */
  unwritten(session: SessionId): readonly CallEntry[]
  /** Whether it was refused, because another Instance had claimed the Session: the new Owner does not know of it. */
  isSuperseded(session: SessionId, entry: string): boolean
}

/** Of so many entries it is known; whoever wrote one asks at once. */
const maxSuperseded = 1_000

export const guardCallLog = (
  callLog: CallLog,
  { retry, writes, patience: { optional } }: StoreGuard,
): GuardedCallLog => {
  const superseded = new Set<string>()
  const supersede = (key: string): void => {
    superseded.add(key)
    const [oldest] = superseded
    if (superseded.size > maxSuperseded && oldest !== undefined) superseded.delete(oldest)
  }
  const writesOf = (session: SessionId): readonly EntryWrite[] =>
    writes
      .all()
      .filter((each): each is EntryWrite => each instanceof EntryWrite && each.session === session)
  return {
    keep(session, epoch, call) {
      const key = keyOf(session, call.entry)
      const write = async (): Promise<boolean> => {
        const isWritten = await callLog.keep(session, epoch, call)
        if (!isWritten) supersede(key)
        return isWritten
      }
      return writes.write(new EntryWrite(session, call, write), optional)
    },
    async drop(session, epoch, entries) {
      // A request that is still being written must not be written over what was deleted.
      await Promise.all(entries.map((entry) => writes.drop(keyOf(session, entry))))
      return retry(() => callLog.drop(session, epoch, entries), optional)
    },
    async entries(session) {
      // What is being written is part of it.
      await writes.settled(writesOf(session).map(({ key }) => key))
      return retry(() => callLog.entries(session), optional)
    },
    isUnwritten: (session, entry) => writes.isAwaited(keyOf(session, entry)),
    unwritten: (session) => writesOf(session).map(({ call }) => call),
    isSuperseded: (session, entry) => superseded.has(keyOf(session, entry)),
    accept: (requestId, call) => retry(() => callLog.accept(requestId, call), optional),
    find: (requestId) => retry(() => callLog.find(requestId), optional),
    finish: (requestId, call, keptMs) =>
      retry(() => callLog.finish(requestId, call, keptMs), optional),
    release: (requestId) => retry(() => callLog.release(requestId), optional),
  }
}

const keyOf = (session: SessionId, entry: string): string => `${session} ${entry}`

class EntryWrite implements QueuedWrite {
  readonly session: SessionId
  readonly call: CallEntry
  readonly write: () => Promise<boolean>

  constructor(session: SessionId, call: CallEntry, write: () => Promise<boolean>) {
    this.session = session
    this.call = call
    this.write = write
  }

  get key(): string {
    return keyOf(this.session, this.call.entry)
  }

  get bytes(): number {
    return this.call.body.length
  }
}
