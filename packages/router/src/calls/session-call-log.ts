import type { Session, SessionId } from '@mcp-router/core'
import type { CallLog } from '@mcp-router/store'
import { discard } from '@mcp-router/upstream'
import type { CallRef } from '../outlet/stream-reply.js'
import type { Aged, Ageing } from '../streams/ageing.js'

type Owner = Pick<Session, 'id' | 'epoch'>
type LoggedCall = Pick<CallRef, 'entry' | 'callId' | 'requestId' | 'isRepeated'>

/** An Instance that stands still is given up when its lease has lapsed, after 15 s; its client comes back a moment later. ms */
const keptMs = 20_000
/** So many delivered answers of one Session are kept, and so many of their bytes, before the oldest goes. */
const mostKept = 100
const mostKeptBytes = 1024 * 1024
/** A longer one is not kept. Until it would have gone, the CallLog has its request. */
const longestKept = 64 * 1024

interface Answer {
  readonly requestId: string
  readonly epoch: number
  readonly bytes: number
  /** ms, as `performance.now()` counts */
  readonly at: number
}

/** Those of a Session by entry, the oldest first. */
type Answers = Map<string, Answer>

/**
 * SessionCallLog writes what a successor must know of the calls of a Session: requests whose client waits for the response on a Stream, and
 * responses that it may not have. Nobody acknowledges those: that the client was gone, or an Instance on the way to it, is known only later. So
 * they stay in the CallLog for a while, for the client that comes back and for whoever has its Session then.
 */
export class SessionCallLog implements Aged {
  private readonly callLog: CallLog
  private readonly ageing: Ageing
  private readonly delivered = new Map<SessionId, Answers>()

  constructor(callLog: CallLog, ageing: Ageing) {
    this.callLog = callLog
    this.ageing = ageing
  }

  /** request resolves once the CallLog has a request, or cannot have it: live Sessions go on without. */
  async request(
    { id, epoch }: Owner,
    call: Omit<LoggedCall, 'requestId'>,
    body: Buffer,
  ): Promise<void> {
    const { entry, callId, isRepeated } = call
    const text = body.toString('utf8')
    const written = { entry, callId, ...(isRepeated && { isRepeated }), body: text }
    await this.callLog.keep(id, epoch, written).catch(() => undefined)
  }

  /** undelivered keeps a response that its client was not there to get. */
  undelivered(session: Owner, { entry, callId }: LoggedCall, answer: Buffer): void {
    discard(this.request(session, { entry, callId }, answer))
  }

  /** addDelivered keeps a response that was written to a Stream. Without `answer`, the CallLog has it already. */
  addDelivered(session: Owner, call: LoggedCall, answer?: Buffer): void {
    const { id, epoch } = session
    const { entry, requestId } = call
    const isKept = answer && answer.length <= longestKept
    if (isKept) this.undelivered(session, call, answer)
    const answers = this.delivered.get(id) ?? (new Map() as Answers)
    this.delivered.set(id, answers)
    const bytes = isKept ? answer.length : 0
    answers.set(entry, { requestId, epoch, bytes, at: performance.now() })
    this.ageing.add(this)
    this.settle(id, answers, tooMany(answers))
  }

  hasDelivered(session: SessionId): boolean {
    return (this.delivered.get(session)?.size ?? 0) > 0
  }

  /**
   * supersede deletes the responses to earlier requests with this JSON-RPC id (JSON text): its client uses it again, and would take such a response for
   * the one to its new request, also from a later Owner. It resolves once the CallLog has deleted them, and rejects with STORE_UNAVAILABLE where it
   * cannot: the request must not be passed on then. Undefined: there are none.
   */
  supersede({ id, epoch }: Owner, requestId: string): Promise<void> | undefined {
    const answers = this.delivered.get(id)
    if (!answers) return undefined
    const entries = [...answers].flatMap(([entry, each]) =>
      each.requestId === requestId ? [entry] : [],
    )
    if (entries.length === 0) return undefined
    return this.callLog.drop(id, epoch, entries).then(() => {
      for (const entry of entries) answers.delete(entry)
    })
  }

  /** dropDelivered deletes those of a Session whose client has them, or does not need them any more. */
  dropDelivered({ id }: Owner): void {
    const answers = this.delivered.get(id)
    if (answers) this.settle(id, answers, answers.size)
  }

  age(now: number): boolean {
    for (const [session, answers] of this.delivered) {
      const young = [...answers.values()].findIndex(({ at }) => now - at <= keptMs)
      this.settle(session, answers, young < 0 ? answers.size : young)
      if (answers.size === 0) this.delivered.delete(session)
    }
    return this.delivered.size > 0
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
