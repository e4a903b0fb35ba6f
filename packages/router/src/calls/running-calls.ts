import type { CallLog, LoggedCall } from '@mcp-router/store'
import { discard } from '@mcp-router/upstream'
import type { Accepted, Incoming } from '../http/incoming.js'
import { outcomeUnknown } from './outcome.js'
import { respondError, respondJson } from '../http/respond.js'

/** A response that is longer is not kept for those who ask again, bytes. */
const longestKept = 1024 * 1024
/** The same where its client was told, as far as anybody knows. */
const longestDelivered = 64 * 1024
/**
 * That a connection was dead when the answer was written into it is known only later: the request comes again then. An Instance on the way that
 * stands still is given up when its lease has lapsed, after 15 s. ms
 */
const deliveredMs = 30_000

/** Calls are those that this Instance runs and that must not run twice. */
export interface Calls {
  /** Begins one that was noted; a while after its client was told the answer it is forgotten. */
  begin(incoming: Incoming, call: LoggedCall): void
  /** Answers a request that came again when the call that it began is over, with what is known then. False: there is none. */
  join(incoming: Incoming): boolean
}

export const createCalls = (callLog: CallLog): Calls => {
  const running = new Map<string, RunningCall>()
  return {
    begin(incoming, call) {
      const { requestId } = incoming
      const begun = new RunningCall(callLog, incoming, call, () => running.delete(requestId))
      running.set(requestId, begun)
      incoming.accepted = begun
      incoming.whenClosed(() => begun.onClosed(incoming))
    },
    join(incoming) {
      const call = running.get(incoming.requestId)
      call?.join(incoming)
      return call !== undefined
    },
  }
}

class RunningCall implements Accepted {
  readonly waiting = new Set<Incoming>()
  private readonly callLog: CallLog
  private readonly requestId: string
  private readonly call: LoggedCall
  private readonly onOver: () => void
  private isKept = false
  private moveTo: ((incoming: Incoming) => boolean) | undefined
  /** The request that the answer goes to. */
  private current: Incoming
  private response: Buffer | undefined

  constructor(callLog: CallLog, incoming: Incoming, call: LoggedCall, onOver: () => void) {
    this.callLog = callLog
    this.requestId = incoming.requestId
    this.current = incoming
    this.call = call
    this.onOver = onOver
  }

  get digest(): string {
    return this.call.digest
  }

  join(incoming: Incoming): void {
    if (this.moveTo?.(incoming)) {
      this.current = incoming
      incoming.whenClosed(() => this.onClosed(incoming))
      return
    }
    this.waiting.add(incoming)
    incoming.whenClosed(() => this.waiting.delete(incoming))
  }

  onClosed(incoming: Incoming): void {
    // Another one took its place.
    if (incoming !== this.current) return
    const delivered = incoming.res.writableFinished
    if (delivered) this.note(longestDelivered, deliveredMs)
    else if (this.isKept) return
    this.onOver()
    const { requestId, call } = this
    const reason = delivered ? 'the first to ask has the answer' : 'the first to ask left'
    for (const each of this.waiting) {
      const { message } = each
      respondError(each, outcomeUnknown({ message, requestId, at: call.at, reason }))
    }
  }

  keep(moveTo?: (incoming: Incoming) => boolean): void {
    this.isKept = true
    this.moveTo = moveTo
  }

  finish(response: Buffer, hasLeft: boolean): void {
    this.onOver()
    this.response = response
    for (const incoming of this.waiting) respondJson(incoming, 200, response)
    this.waiting.clear()
    if (hasLeft) this.note(longestKept)
  }

  drop(): void {
    this.onOver()
  }

  async release(): Promise<void> {
    this.onOver()
    await this.callLog.release(this.requestId).catch(() => undefined)
  }

  private note(longest: number, keptMs?: number): void {
    const { response, call } = this
    const kept = response && response.length <= longest && { response: response.toString('utf8') }
    discard(this.callLog.finish(this.requestId, { ...call, ...kept }, keptMs))
  }
}
