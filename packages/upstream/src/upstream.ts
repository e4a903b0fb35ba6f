import { asError } from '@mcp-router/core'
import type { Endpoint } from '@mcp-router/core'
import { notificationBytes, scanMessage } from '@mcp-router/protocol'
import type { Message } from '@mcp-router/protocol'

/** UpstreamListener hears what an Upstream says. `onClose` comes once, last; `cause` is undefined where we closed it. */
export interface UpstreamListener {
  /** `about`: the id (JSON text) of the request of ours that it belongs to, where the Transport tells. */
  onMessage(message: Message, about?: string): void
  onClose(cause: Error | undefined): void
}

/** Upstream is a live connection to one Endpoint: messages go in by `send`, answers and the rest come to its listener. */
export interface Upstream {
  /**
   * Sends one message. It resolves when the Endpoint has taken it (stdio: written; http: the answer has ended) and rejects when it
   * was not delivered or its answer broke off: then no answer to it will come to the listener.
   */
  send(message: Message): Promise<void>
  /** Sends one message without a promise for it; `onFailed` hears what `send` would have rejected with. For the hot path. */
  pass(message: Message, onFailed: (error: Error) => void): void
  /** Whether the Endpoint answered `initialize` without opening a session; Transports whose connection is the session leave it out. */
  isSessionless?(): boolean
  /**
   * Gives up on a request that was sent: tells the Endpoint (notifications/cancelled) and waits for its answer no more. `isLate`: it passed its
   * deadline; a process that does not answer a ping either is ended.
   */
  cancel(id: string, isLate?: boolean): void
  /** Starts to hear what the Endpoint says outside of calls, where that takes an effort of its own (http: a GET stream). */
  listen(): void
  /** Resolves once it hears that, or will not; where that takes no effort, it is absent. */
  heard?(): Promise<void>
  /** The operator gave its Endpoint, at the same place, other headers: they go with the next request. Where there are none, it is absent. */
  use?(endpoint: Endpoint): void
  /** The last of what its process wrote aside, in one line without configured secrets; only where there is one. */
  lastWords?(): string
  /** Ends the connection and what belongs to it: the http session, the child with its process group. Idempotent. */
  close(): Promise<void>
  /** Its session at the Endpoint, where another connection can continue it (http). */
  session?(): ContinuedSession | undefined
  /** As `close`, but the session at the Endpoint goes on, for another Instance. Where it is missing, nothing could go on. */
  detach?(): Promise<void>
}

/** ContinuedSession is a session at an http Endpoint that another Instance opened, or this one before. */
export interface ContinuedSession {
  readonly sessionId: string
  readonly revision: string
  /** As a Cookie header; empty where the Endpoint set none. */
  readonly cookies: string
}

/** SessionLost says that the Endpoint no longer knows our session: the message that met it was never executed. */
export class SessionLost extends Error {
  constructor(endpoint: string) {
    super(`${endpoint} no longer knows the session`)
    this.name = 'SessionLost'
  }
}

/** cancelledMessage is the notification that a request, whose id is given as JSON text, is not waited for any more. */
export const cancelledMessage = (id: string): Message =>
  scanMessage(
    notificationBytes('notifications/cancelled', { requestId: JSON.parse(id) as string | number }),
  )

/** discard is for what nobody waits for: a cancellation, the answer to something that is over. */
export const discard = (sending: Promise<unknown>): void => void sending.catch(() => undefined)

/** passBy makes `pass` of `send`, for Transports where a promise more does not count. */
export const passBy =
  (send: Upstream['send']): Upstream['pass'] =>
  (message, onFailed) => {
    send(message).catch((thrown: unknown) => {
      onFailed(asError(thrown))
    })
  }
