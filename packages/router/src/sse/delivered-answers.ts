import type { Session, SessionId } from '@mcp-router/core'
import type { CallLog } from '@mcp-router/store'
import { discard } from '@mcp-router/upstream'
import type { Aged, Ageing } from '../streams/ageing.js'
import type { CallRef } from '../outlet/stream-reply.js'

/**
 * DeliveredAnswers are responses that were written to a stream. Nobody acknowledges them: that the client was gone, or an Instance on the way to it, is known
 * only later. So they stay in the CallLog for a while, for the client that comes back and for whoever has its Session then.
 */
export interface DeliveredAnswers {
  /** Without `answer`, the CallLog has it already. */
  add(session: Owner, call: DeliveredCall, answer?: Buffer): void
  /** Whether there are any. */
  has(session: SessionId): boolean
  /**
   * Deletes the responses to earlier requests with this JSON-RPC id (JSON text): its client uses it again, and would take such a response for
   * the one to its new request. It resolves once the CallLog has deleted them; it rejects where it cannot.
   */
  supersede(session: Owner, requestId: string): Promise<void> | undefined
  /** Deletes those of a Session that has them, or does not need them any more. */
  forget(session: Owner): void
}

type Owner = Pick<Session, 'id' | 'epoch'>
type DeliveredCall = Pick<CallRef, 'entry' | 'callId' | 'requestId'>

/** An Instance that stands still is given up when its lease has lapsed, after 15 s; its client comes back a moment later. ms */
const keptMs = 20_000
/** So many answers of one Session are kept, and so many of their bytes, before the oldest goes. */
const mostKept = 100
const mostKeptBytes = 1024 * 1024
/** A longer one is not kept. Until it would have gone, the CallLog has its request. */
const longestKept = 64 * 1024

export const createDeliveredAnswers = (callLog: CallLog, ageing: Ageing): DeliveredAnswers =>
  new LoggedAnswers(callLog, ageing)

interface Answer {
  readonly requestId: string
  readonly epoch: number
  readonly bytes: number
  /** ms, as `performance.now()` counts */
  readonly at: number
}

/** Those of a Session by entry, the oldest first. */
type Answers = Map<string, Answer>

class LoggedAnswers implements DeliveredAnswers, Aged {
  private readonly callLog: CallLog
  private readonly ageing: Ageing
  private readonly all = new Map<SessionId, Answers>()

  constructor(callLog: CallLog, ageing: Ageing) {
    this.callLog = callLog
    this.ageing = ageing
  }

  add({ id, epoch }: Owner, { entry, callId, requestId }: DeliveredCall, answer?: Buffer): void {
    const isKept = answer && answer.length <= longestKept
    const written = isKept && { entry, callId, body: answer.toString('utf8') }
    if (written) discard(this.callLog.keep(id, epoch, written))
    const answers = this.all.get(id) ?? (new Map() as Answers)
    this.all.set(id, answers)
    const bytes = isKept ? answer.length : 0
    answers.set(entry, { requestId, epoch, bytes, at: performance.now() })
    this.ageing.add(this)
    this.settle(id, answers, tooMany(answers))
  }

  has(session: SessionId): boolean {
    return (this.all.get(session)?.size ?? 0) > 0
  }

  supersede({ id, epoch }: Owner, requestId: string): Promise<void> | undefined {
    const answers = this.all.get(id)
    if (!answers) return undefined
    const entries = [...answers].flatMap(([entry, each]) =>
      each.requestId === requestId ? [entry] : [],
    )
    if (entries.length === 0) return undefined
    return this.callLog.drop(id, epoch, entries).then(() => {
      for (const entry of entries) answers.delete(entry)
    })
  }

  forget({ id }: Owner): void {
    const answers = this.all.get(id)
    if (answers) this.settle(id, answers, answers.size)
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
    const old = [...answers].slice(0, count)
    for (const [entry] of old) answers.delete(entry)
    for (const epoch of new Set(old.map(([, each]) => each.epoch))) {
      const entries = old.flatMap(([entry, each]) => (each.epoch === epoch ? [entry] : []))
      discard(this.callLog.drop(session, epoch, entries))
    }
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
