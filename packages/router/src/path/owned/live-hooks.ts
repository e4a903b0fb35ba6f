import type { RouterError } from '@mcp-router/core'
import type { Message } from '@mcp-router/protocol'
import type { Upstream } from '@mcp-router/upstream'
import type { Recovery } from '../../calls/recover.js'
import type { BackendSession } from './backend-session.js'

/** LiveHooks tell the Session's record what only its live part sees. */
export interface LiveHooks {
  /** The Upstream is gone and nobody asked for that. */
  onLost(): void
  /** A message is to be sent and there is no Upstream: it has just ended. Resolves once there is another. */
  onMissing(): Promise<void>
  /** The server knows the session no more, or cannot be reached; resolves once there is another. */
  onForgotten(upstream: Upstream, error: unknown): Promise<void>
  /** The server went away with a request whose client waits for the answer on its Stream. */
  onBroken(pending: PendingCall, error: RouterError): void
  /** The client was told the answer, or an error in its place, to a request that was answered 202; without `answer`, it had waited for the client. */
  onDelivered(call: CallRef, answer?: Buffer): void
  /** There is an answer to such a request, and no client to hear it. */
  onUndelivered(call: CallRef, answer: Buffer): void
  /** The server agreed on a protocol revision; the rest is what another Instance can continue its session with. */
  onAgreed(agreed: BackendSession & { readonly revision: string }): void
}

/** OwedCall names a request whose response its client still waits for, or may not have received. */
export interface CallRef {
  /** Names it in the call log, and no other request of its Session. */
  readonly entry: string
  /** X-Request-Id of the HTTP request that brought it; empty where it had none that can be trusted. */
  readonly callId: string
  /** JSON text of its JSON-RPC id, which its client may use for other requests later. */
  readonly requestId: string
  /** Of the conversation that it belongs to: after another `initialize` nobody waits for it. */
  readonly generation: number
  /** It was sent a second time because the Owner that had sent it is gone. */
  readonly isRepeated?: boolean
}

/** Pending is a request that was answered 202. */
export interface PendingCall {
  readonly call: CallRef
  readonly message: Message
  /** Set once its server went away with it. */
  recovery?: Recovery | undefined
  /** ms since the epoch */
  readonly at: number
  /** When the server was last heard of it, as `performance.now()` counts; Infinity: it has a time of its own. */
  activeAt?: number
}
