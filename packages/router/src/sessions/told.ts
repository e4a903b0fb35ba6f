import type { SessionId } from '@mcp-router/core'
import type { Journal } from '@mcp-router/store'
import { discard } from '@mcp-router/upstream'
import type { Aged, Ageing } from './ageing.js'

/**
 * Told are answers that were told on a stream. Nobody acknowledges them: that the client was gone, or an Instance on the way to it, is known
 * only later. So they stay in the Journal for a while, for the client that comes back and for whoever has its Session then.
 */
export interface Told {
  /** Without `answer`, the Journal has it already. */
  add(session: SessionId, requestId: string, answer?: Buffer): void
  /** Whether there are any. */
  has(session: SessionId): boolean
  /** A request comes under an id that was used before. */
  withdraw(session: SessionId, requestId: string): void
  /** Forgets those of a Session whose client begins anew. */
  forget(session: SessionId): void
}

/** An Instance that stands still is given up when its lease has lapsed, after 15 s; its client comes back a moment later. ms */
const keptMs = 20_000
/** So many answers of one Session are kept, and so many of their bytes, before the oldest goes. */
const mostKept = 100
const mostKeptBytes = 1024 * 1024
/** A longer one is not kept. Until it would have gone, the Journal has its request. */
const longestKept = 64 * 1024

export const createTold = (journal: Journal, ageing: Ageing): Told =>
  new ToldAnswers(journal, ageing)

interface Answer {
  readonly bytes: number
  /** ms, as `performance.now()` counts */
  readonly at: number
}

/** Those of a Session by the id (JSON text) of their requests, the oldest first. */
type Answers = Map<string, Answer>

class ToldAnswers implements Told, Aged {
  private readonly journal: Journal
  private readonly ageing: Ageing
  private readonly all = new Map<SessionId, Answers>()

  constructor(journal: Journal, ageing: Ageing) {
    this.journal = journal
    this.ageing = ageing
  }

  add(session: SessionId, requestId: string, answer?: Buffer): void {
    const isKept = answer && answer.length <= longestKept
    if (isKept) discard(this.journal.owe(session, { requestId, body: answer.toString('utf8') }))
    const answers = this.all.get(session) ?? new Map<string, Answer>()
    this.all.set(session, answers)
    answers.delete(requestId)
    answers.set(requestId, { bytes: isKept ? answer.length : 0, at: performance.now() })
    this.ageing.add(this)
    this.settle(session, answers, tooMany(answers))
  }

  has(session: SessionId): boolean {
    return (this.all.get(session)?.size ?? 0) > 0
  }

  withdraw(session: SessionId, requestId: string): void {
    this.all.get(session)?.delete(requestId)
  }

  forget(session: SessionId): void {
    const answers = this.all.get(session)
    if (answers) this.settle(session, answers, answers.size)
  }

  age(now: number): boolean {
    for (const [session, answers] of this.all) {
      const young = [...answers.values()].findIndex(({ at }) => now - at <= keptMs)
      this.settle(session, answers, young < 0 ? answers.size : young)
      if (answers.size === 0) this.all.delete(session)
    }
    return this.all.size > 0
  }

  /** settle lets go of the oldest. */
  private settle(session: SessionId, answers: Answers, count: number): void {
    if (count === 0) return
    const ids = [...answers.keys()].slice(0, count)
    for (const id of ids) answers.delete(id)
    discard(this.journal.settle(session, ids))
  }
}

const tooMany = (answers: Answers): number => {
  let bytes = 0
  for (const answer of answers.values()) bytes += answer.bytes
  let count = 0
  for (const answer of answers.values()) {
    if (answers.size - count <= mostKept && bytes <= mostKeptBytes) return count
    bytes -= answer.bytes
    count++
  }
  return count
}
