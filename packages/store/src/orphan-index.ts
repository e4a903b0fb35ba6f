import type { SessionId } from '@mcp-router/core'

/** NotedStream is what was noted last of the Stream that a client of 2024-11-05 has, or had. */
export interface NotedStream {
  readonly session: SessionId
  readonly isOpen: boolean
  /** When that was noted, ms since the epoch, by the clock of the Instance that holds or held it. */
  readonly at: number
}

/**
 * OrphanIndex finds Sessions by what their clients look like, so that one whose Stream is gone, an orphan, is found by whoever its client
 * comes back to. Who uses it decides what `looks` are. Every method rejects with STORE_UNAVAILABLE when the store cannot be reached.
 */
export interface OrphanIndex {
  /** Replaces what was noted of that Session under these looks. */
  note(looks: string, stream: NotedStream): Promise<void>
  forget(looks: string, session: SessionId): Promise<void>
  /** In no order. Undefined: there are more than `maxAlike`, too many to tell one from the other. */
  find(looks: string): Promise<readonly NotedStream[] | undefined>
}

/** What is noted as open is forgotten after this, unless it is noted again, ms. */
export const openMs = 30 * 60_000

/** How long a Session waits for its client to come back, ms; as long is noted that its Stream is closed. */
export const orphanMs = 60_000

/** So many Streams of the same looks are told, of the open and of the closed ones. */
export const maxAlike = 32
