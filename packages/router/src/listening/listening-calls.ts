import type { SessionId } from '@mcp-router/core'
import type { Message } from '@mcp-router/protocol'
import type { Activity } from '../calls/silence.js'
import type { SessionEntry } from '../sessions/entry.js'

/** ListeningCall is a call of a portable Session under way here: its client can be asked on its stream. */
export interface ListeningCall {
  readonly session: SessionEntry
  readonly activity: Activity
  /** When it was sent, or is about to be, as `performance.now()` counts; undefined: it waits for the Endpoint's stream. */
  sentAt: number | undefined
  older: ListeningCall | undefined
  newer: ListeningCall | undefined
  /** Delivers what the server said outside of calls. False: it cannot. */
  takeOutside(message: Message): boolean
}

/** ListeningCalls are those under way, the newest first; a list of its own links, for each call is in it. */
export class ListeningCalls {
  private newest: ListeningCall | undefined

  add(call: ListeningCall): void {
    const { newest } = this
    call.older = newest
    if (newest) newest.newer = call
    this.newest = call
  }

  /** remove takes out a call that is over. Idempotent. */
  remove(call: ListeningCall): void {
    const { older, newer } = call
    if (!newer && this.newest !== call) return
    if (newer) newer.older = older
    else this.newest = older
    if (older) older.newer = newer
    call.older = undefined
    call.newer = undefined
  }

  /** haveSent tells that one of a Session was sent within the last `ms`. */
  haveSent(id: SessionId, ms: number): boolean {
    const since = performance.now() - ms
    return this.of(id).some(({ sentAt = -Infinity }) => sentAt > since)
  }

  /** deliver has one of a Session take what the server said outside of calls. False: none could. */
  deliver(id: SessionId, message: Message): boolean {
    return this.of(id).some((call) => call.takeOutside(message))
  }

  of(id: SessionId): readonly ListeningCall[] {
    return [...this].filter(({ session }) => session.record.id === id)
  }

  *[Symbol.iterator](): Generator<ListeningCall> {
    for (let call = this.newest; call; call = call.older) yield call
  }
}
