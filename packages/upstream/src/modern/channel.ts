import type { Message } from '@mcp-router/protocol'

/** ModernListener hears what comes of one modern request; exactly one of `onResponse` and `onFailed` comes, last. */
export interface ModernListener {
  onNotification(message: Message): void
  /** The id in it is that of the request as it was given. */
  onResponse(message: Message): void
  /** It was not delivered, or its answer broke off. */
  onFailed(error: Error): void
}

/** ModernCall is a request under way. */
export interface ModernCall {
  /**
   * Gives it up: its listener hears nothing more, the Endpoint is told in the way of its Transport. `isLate`: it passed its deadline
   * (Upstream.cancel).
   */
  abort(isLate?: boolean): void
}

/** ModernChannel takes requests of revision 2026-07-28 to one Endpoint: no session, any number at once, each its own scope. */
export interface ModernChannel {
  /** `headers` mirror the body (flat list); Transports without headers pass over them. */
  request(message: Message, headers: readonly string[], listener: ModernListener): ModernCall
  /** Its Endpoint is no longer configured: what is under way ends as it would, subscriptions at once, and then it holds nothing. */
  retire(): void
  close(): Promise<void>
}
