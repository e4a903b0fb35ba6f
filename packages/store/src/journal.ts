import type { SessionId } from '@mcp-router/core'

/** Owed is a request whose answer its client still waits for. */
export interface Owed {
  /** JSON text of its id. */
  readonly requestId: string
  /** The whole message, as it came. */
  readonly body: string
}

/**
 * Journal is the record of accepted calls whose outcome a successor must know: those whose client was told 202, so that the router owes it
 * the answer. An entry lives five minutes. Every method rejects with STORE_UNAVAILABLE when the store cannot be reached.
 */
export interface Journal {
  owe(session: SessionId, owed: Owed): Promise<void>
  settle(session: SessionId, requestId: string): Promise<void>
  /** What is still owed, in no order. */
  owed(session: SessionId): Promise<readonly Owed[]>
}

/** How long a call is remembered after the last one of its session was accepted, ms. */
export const journalMs = 5 * 60_000
