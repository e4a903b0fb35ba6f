import type { Message } from '@mcp-router/protocol'
import type { Upstream } from '@mcp-router/upstream'
import type { Deadlines } from '../../calls/deadlines.js'
import type { OnBroken } from '../../outlet/reply.js'
import type { CallRef } from '../../outlet/stream-reply.js'
import type { BackendSession } from './backend-session.js'

/** LiveHooks tell the Session's record what only its live part sees. */
export interface LiveHooks {
  /** The Upstream is gone and nobody asked for that. */
  onLost(): void
  /** A message is to be sent and there is no Upstream: it has just ended. Resolves once there is another. */
  onMissing(): Promise<void>
  /** The server knows the session no more, or cannot be reached; resolves once there is another. */
  onForgotten(upstream: Upstream, error: unknown): Promise<void>
  /** What is to be done when the server goes away with this request, which came at `at`, ms since the epoch. */
  repeats(message: Message, at: number): OnBroken
  /** The client was told the answer, or an error in its place, to a request that was answered 202; without `answer`, it had waited for the client. */
  onDelivered(call: CallRef, answer?: Buffer): void
  /** There is an answer to such a request, and no client to hear it. */
  onUndelivered(call: CallRef, answer: Buffer): void
  /** The server agreed on a protocol revision; the rest is what another Instance can continue its session with. */
  onAgreed(agreed: BackendSession & { readonly revision: string }): void
}

/** LiveLimits are those of the calls of a Session; durations ms. */
export interface LiveLimits {
  readonly deadlines: Deadlines
  /** How long a server may leave a call alone. */
  readonly deadlineMs: () => number
  /** How long a client may take to answer what the server asks. */
  readonly inputTtlMs: number
}
