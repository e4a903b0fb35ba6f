import type { Session } from '@mcp-router/core'
import type { Listener } from './listener.js'
import type { Missing } from './missed.js'

/** Kept is the Endpoint's stream of a Session whose client's stream is away. */
export interface Kept {
  readonly missing: Missing
  /** What holds it, for a client to go on with; undefined: the client's stream of this Instance, which drains. */
  readonly listener: Listener | undefined
  /** The session at the Endpoint that the listener is for. */
  readonly at?: string
  close(): void
}

/** Keepable is a client's stream that can go on at the Endpoint without its client. */
export interface Keepable {
  keep(onChunk: (chunk: Buffer) => void, onEnded: () => void): () => void
}

export const isOfEarlierSession = ({ at }: Kept, { backendSessionId }: Session): boolean =>
  at !== undefined && at !== backendSessionId
