import type { BackendName, EndpointId, SessionId } from './ids.js'

/** CallEvent tells of one message that a client sent, once it is answered. It holds no arguments and no tokens. */
export interface CallEvent {
  readonly kind: 'call'
  readonly downstream: 'call' | 'http' | 'sse'
  readonly requestId: string
  readonly principal: string
  readonly backend: string
  readonly endpoint: string
  readonly session: string
  /** JSON-RPC method; `response` for an answer to the server; empty where the body could not be read. */
  readonly method: string
  /** The HTTP status answered; 499 where the client left first. */
  readonly status: number
  /** `ok`, or the code of the error. */
  readonly outcome: string
  /** Why, where it is not `ok`: the cause in short. */
  readonly reason?: string
  /** The name in the path where no Backend has it; `backend` is empty then. Cut, as clients choose it. */
  readonly requested?: string
  readonly durationMs: number
  /** When it was answered, ms since the epoch. */
  readonly at: number
}

/** SessionEvent tells of one turn in the life of a Session. It holds no arguments, no params and no secrets. */
export interface SessionEvent {
  readonly kind: 'session'
  /**
   * `taken over`: another Instance is its Owner; `released`: its Owner gave it up; `re-initialized`, `moved`: it has a new session at its
   * Endpoint, or at another one; `replayed`: its handshake, on a new connection or child; `reconnected`: likewise, with nothing to replay;
   * `settled`: what an Owner before left unanswered; `resumed`: a stream of its client; `restored`: its record, which the store had lost.
   */
  readonly action:
    | 'opened'
    | 'taken over'
    | 'released'
    | 're-initialized'
    | 'moved'
    | 'replayed'
    | 'reconnected'
    | 'settled'
    | 'resumed'
    | 'restored'
    | 'closed'
    | 'expired'
  readonly session: SessionId
  readonly backend: BackendName
  readonly principal: string
  readonly endpoint: EndpointId
  /** That of its record: 0 where it is portable. */
  readonly epoch?: number
  /** Why, as the end of "because …"; absent where the action says it all. */
  readonly cause?: string
}

/** RouterEvent is what the data plane tells the outside; `observe` turns it into log lines and metrics. */
export type RouterEvent =
  | CallEvent
  | SessionEvent
  | {
      readonly kind: 'stream'
      readonly action: 'opened' | 'closed'
      readonly session: SessionId
      readonly backend: BackendName
    }
  | {
      readonly kind: 'upstream'
      /** `lost`: it was open and ended by itself; `refused`: it could not be opened; `skipped`: something that it sent. */
      readonly action: 'opened' | 'closed' | 'lost' | 'refused' | 'skipped'
      readonly backend: BackendName
      readonly endpoint: EndpointId
      readonly reason: string
    }
  | {
      readonly kind: 'stderr'
      readonly backend: BackendName
      readonly pid: number
      readonly line: string
    }
  /** The store went away, or came back after so long. */
  | { readonly kind: 'store'; readonly up: false; readonly reason: string }
  | { readonly kind: 'store'; readonly up: true; readonly afterMs: number }
  | { readonly kind: 'fault'; readonly doing: string; readonly error: Error }

/** EventSink takes RouterEvents; it must not throw and must not block. */
export interface EventSink {
  emit(event: RouterEvent): void
}

/** Principal is the authenticated caller. A Session belongs to the one that opened it. */
export interface Principal {
  readonly name: string
}
