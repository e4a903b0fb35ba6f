import type { Journal, AcceptedCall } from '@mcp-router/store'
import { discard } from '@mcp-router/upstream'
import type { Incoming } from '../incoming.js'
import { outcomeUnknown } from '../outcome.js'
import { respondError, respondJson } from '../respond.js'

/** A response that is longer is not kept for those who ask again, bytes. */
const longestKept = 1024 * 1024

/** Calls are those that this Instance runs and that must not run twice. */
export interface Calls {
  /** Begins one that was noted; it is forgotten once its client has the answer. */
  begin(incoming: Incoming, call: AcceptedCall): void
  /** Answers a request that came again when the call that it began is over, with what is known then. False: there is none. */
  join(incoming: Incoming): boolean
}

/** Accepted is one of them, as whoever answers it sees it. */
export interface Accepted {
  /** The answer is waited for even when the client leaves; `finish` follows then. */
  keep(): void
  /** Its response: who asked again gets it, and who will, where the first client has left. */
  finish(response: Buffer, hasLeft: boolean): void
  /** Nobody waits for it any more. */
  drop(): void
}

export const createCalls = (journal: Journal): Calls => {
  const running = new Map<string, RunningCall>()
  return {
    begin(incoming, call) {
      const { requestId } = incoming
      const begun = new RunningCall(journal, requestId, call, () => running.delete(requestId))
      running.set(requestId, begun)
      incoming.accepted = begun
      incoming.whenClosed(() => begun.onClosed(incoming.res.writableFinished))
    },
    join(incoming) {
      const call = running.get(incoming.requestId)
      call?.waiting.add(incoming)
      if (call) incoming.whenClosed(() => call.waiting.delete(incoming))
      return call !== undefined
    },
  }
}

class RunningCall implements Accepted {
  readonly waiting = new Set<Incoming>()
  private readonly journal: Journal
  private readonly requestId: string
  private readonly call: AcceptedCall
  private readonly onOver: () => void
  private isKept = false

  constructor(journal: Journal, requestId: string, call: AcceptedCall, onOver: () => void) {
    this.journal = journal
    this.requestId = requestId
    this.call = call
    this.onOver = onOver
  }

  onClosed(delivered: boolean): void {
    if (delivered) discard(this.journal.forget(this.requestId))
    else if (this.isKept) return
    this.onOver()
    const { requestId, call } = this
    const reason = delivered ? 'the first to ask has the answer' : 'the first to ask left'
    for (const incoming of this.waiting) {
      const { message } = incoming
      respondError(incoming, outcomeUnknown({ message, requestId, at: call.at, reason }))
    }
  }

  keep(): void {
    this.isKept = true
  }

  finish(response: Buffer, hasLeft: boolean): void {
    this.onOver()
    for (const incoming of this.waiting) respondJson(incoming, 200, response)
    this.waiting.clear()
    if (!hasLeft) return
    const kept = response.length <= longestKept && { response: response.toString('utf8') }
    discard(this.journal.finish(this.requestId, { ...this.call, ...kept }))
  }

  drop(): void {
    this.onOver()
  }
}
