import { setTimeout as wait } from 'node:timers/promises'
import type { SessionId } from '@mcp-router/core'
import { isFull } from '@mcp-router/store'
import type { Journal, Owed } from '@mcp-router/store'
import { createOutage } from './outage.js'
import { createUnwrittenNotes } from './unwritten-notes.js'

const pauseMs = 100
/** Of so many entries it is known; whoever wrote one asks at once. */
const maxSuperseded = 1_000

/** PatientJournal is a Journal that outlives outages of its store. */
export interface PatientJournal extends Journal {
  /** Whether this entry of a Session waits for the store to come back. */
  isUnwritten(session: SessionId, entry: string): boolean
  /** What waits for the store to come back, or is being written, of a Session. */
  unwritten(session: SessionId): readonly Owed[]
  /** Whether it could not be written, because another Instance had claimed the Session: whoever answers for that does not know of it. */
  isSuperseded(session: SessionId, entry: string): boolean
}

/** Writing is what is under way for one entry. */
interface Writing {
  readonly session: SessionId
  /** Absent: it is being settled. */
  readonly owed: Owed | undefined
  readonly done: Promise<unknown>
}

/**
 * patientJournal waits `patienceMs` for a store that restarts, counted from when it went away; while it is away for longer, it rejects at once. What is owed is written as soon as the store is
 * back all the same: whoever owes it may be killed a moment later.
 */
export const patientJournal = (journal: Journal, patienceMs: number): PatientJournal => {
  const outage = createOutage()
  const patiently = async <T>(work: () => Promise<T>): Promise<T> => {
    for (;;) {
      try {
        const done = await work()
        outage.end()
        return done
      } catch (error) {
        // A store that is full is not away: waiting empties nothing.
        if (isFull(error) || outage.lastedMs() > patienceMs) throw error
        await wait(pauseMs)
      }
    }
  }
  /** What is under way for each entry: a request that is still being noted must not be written over its answer. */
  const writing = new Map<string, Writing>()
  const inTurn = <T>(
    session: SessionId,
    entries: readonly string[],
    write: () => Promise<T>,
    owed?: Owed,
  ): Promise<T> => {
    const names = entries.map((entry) => `${session} ${entry}`)
    const before = names.flatMap((name) => writing.get(name)?.done ?? [])
    const written =
      before.length === 0
        ? patiently(write)
        : Promise.allSettled(before).then(() => patiently(write))
    for (const name of names) writing.set(name, { session, owed, done: written })
    const over = (): void => {
      for (const name of names) if (writing.get(name)?.done === written) writing.delete(name)
    }
    written.then(over, over)
    return written
  }
  const underwayOf = (session: SessionId): readonly Writing[] =>
    [...writing.values()].filter((each) => each.session === session)
  const superseded = new Set<string>()
  const supersede = (session: SessionId, entry: string): void => {
    superseded.add(`${session} ${entry}`)
    const [oldest] = superseded
    if (superseded.size > maxSuperseded && oldest !== undefined) superseded.delete(oldest)
  }
  const unwritten = createUnwrittenNotes(journal, supersede)
  return {
    async owe(session, epoch, owed) {
      const name = `${session} ${owed.entry}`
      unwritten.drop(name)
      try {
        const write = () => journal.owe(session, epoch, owed)
        const isWritten = await inTurn(session, [owed.entry], write, owed)
        if (!isWritten) supersede(session, owed.entry)
        return isWritten
      } catch (error) {
        if (!isFull(error)) unwritten.add(name, { session, epoch, owed })
        throw error
      }
    },
    settle(session, epoch, entries) {
      for (const entry of entries) unwritten.drop(`${session} ${entry}`)
      return inTurn(session, entries, () => journal.settle(session, epoch, entries))
    },
    async owed(session) {
      // What is being written is part of it.
      await Promise.allSettled(underwayOf(session).map(({ done }) => done))
      return patiently(() => journal.owed(session))
    },
    isUnwritten: (session, entry) => unwritten.has(`${session} ${entry}`),
    unwritten: (session) => [
      ...unwritten.of(session),
      ...underwayOf(session).flatMap(({ owed }) => owed ?? []),
    ],
    isSuperseded: (session, entry) => superseded.has(`${session} ${entry}`),
    accept: (requestId, call) => patiently(() => journal.accept(requestId, call)),
    accepted: (requestId) => patiently(() => journal.accepted(requestId)),
    finish: (requestId, call, keptMs) => patiently(() => journal.finish(requestId, call, keptMs)),
    forget: (requestId) => patiently(() => journal.forget(requestId)),
  }
}
