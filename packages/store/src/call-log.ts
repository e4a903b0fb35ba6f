import type { InstanceId, SessionId } from '@mcp-router/core'

/** Owed is a request whose response its client still waits for, or that response once it is known. */
export interface CallEntry {
  /** Names this entry and no other one of its Session: a client may use one JSON-RPC id for many requests. */
  readonly entry: string
  /** X-Request-Id of the HTTP request that brought it; empty where it had none that can be trusted. */
  readonly callId: string
  /** It was sent to a server a second time, because the Instance that had sent it was gone. */
  readonly isRepeated?: boolean
  /** The whole message, as it came. */
  readonly body: string
}

/** AcceptedCall is a call that must not run twice, noted before it is sent. */
export interface LoggedCall {
  /** Who runs it. */
  readonly instance: InstanceId
  /** When it was noted, ms since the epoch. */
  readonly at: number
  /** Tells it from another request that was given the same id. */
  readonly digest: string
  /** It had come before, and so may have run before. */
  readonly again?: boolean
  /** The response (JSON text), where it came when nobody waited for it any more. */
  readonly response?: string
}

/**
 * CallLog is the record of accepted calls whose outcome a successor must know: those whose client was told 202 and waits for
 * the answer, and those that must not run twice although the request may come again. An entry lives five minutes. Every method rejects
 * with STORE_UNAVAILABLE when the store cannot be reached.
 */
export interface CallLog {
  /**
   * Writes an entry, or replaces it. `epoch` is that of the Session as the writer knows it: false, and nothing is written, where another
   * Instance has claimed it since.
   */
  keep(session: SessionId, epoch: number, call: CallEntry): Promise<boolean>
  /** Deletes entries, under the same condition. */
  drop(session: SessionId, epoch: number, entries: readonly string[]): Promise<void>
  /** What it has of a Session, in no order. */
  entries(session: SessionId): Promise<readonly CallEntry[]>
  /** Notes a call under the X-Request-Id of its request. It resolves with what was noted under it before; undefined: nothing was. */
  accept(requestId: string, call: LoggedCall): Promise<LoggedCall | undefined>
  /** What was noted under an X-Request-Id; undefined: nothing was. */
  find(requestId: string): Promise<LoggedCall | undefined>
  /** Notes how it ended, for whoever asks again within `keptMs`, five minutes unless given. */
  finish(requestId: string, call: LoggedCall, keptMs?: number): Promise<void>
  /** It was not sent: the request may come again. */
  release(requestId: string): Promise<void>
}

/** How long a call is remembered after the last one of its session was accepted, ms. */
export const callLogMs = 5 * 60_000
