import type { RouterError } from '@mcp-router/core'
import type { Message } from '@mcp-router/protocol'
import type { ListChange, Upstream } from '@mcp-router/upstream'

/** LiveHooks tell the Session's record what only its live part sees. */
export interface LiveHooks {
  /** The Upstream is gone and nobody asked for that. */
  onLost(): void
  /** A message is to be sent and there is no Upstream: it has just ended. Resolves once there is another. */
  onMissing(): Promise<void>
  /** The server knows the session no more, or cannot be reached; resolves once there is another. */
  onForgotten(upstream: Upstream, error: unknown): Promise<void>
  /** The server went away with a request whose client waits for the answer on its Stream. */
  onBroken(pending: Pending, error: RouterError): void
  /** The client was told the answer, or an error in its place, to a request that was answered 202; without `answer`, it had waited for the client. */
  onTold(id: string, answer?: Buffer): void
  /** There is an answer to such a request, and no client to hear it. */
  onUnheard(id: string, answer: Buffer): void
  /** The server agreed on a protocol revision. */
  onAgreed(revision: string): void
  /** The client, or whoever speaks for it, said that the handshake is done. */
  onInitialized(): void
  onListChanged(change: ListChange): void
}

/** Pending is a request that was answered 202. */
export interface Pending {
  readonly message: Message
  /** How often it was sent again. */
  readonly repeats: number
  /** ms since the epoch */
  readonly at: number
}
