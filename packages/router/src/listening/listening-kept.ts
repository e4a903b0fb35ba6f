import type { Session } from '@mcp-router/core'
import type { HttpClient } from '@mcp-router/upstream'
import type { SessionEntry } from '../sessions/entry.js'
import { Listener } from './listener.js'
import type { ListeningCalls } from './listening-calls.js'
import { Missing } from '../streams/missed.js'
import type { Missed } from '../streams/missed.js'

/** Kept is the Endpoint's stream of a Session whose client's stream is away. */
export interface Kept {
  readonly missing: Missing
  /** As `performance.now()` counts. */
  readonly since: number
  /** What holds it, for a client to go on with; undefined: the client's stream of this Instance, which drains. */
  readonly listener: Listener | undefined
  /** The session at the Endpoint that the listener is for. */
  readonly at?: string
  close(): void
}

/** Adopted is the Endpoint's stream of a Session that its client goes on with, and what that did not get. */
export interface Adopted extends Pick<Kept, 'missing'> {
  readonly listener: Listener
  readonly missed: Missed | undefined
}

/** Keepable is a client's stream that can go on at the Endpoint without its client. */
export interface Keepable {
  keep(onChunk: (chunk: Buffer) => void, onEnded: () => void): () => void
}

export const isOfEarlierSession = ({ at }: Kept, { backendSessionId }: Session): boolean =>
  at !== undefined && at !== backendSessionId

/** createKept is one whose stream is yet to be opened. What is said goes to one of the calls that can take it. */
export const createKept = (
  { maxResponseBytes }: Pick<HttpClient, 'maxResponseBytes'>,
  { record: { id, backendSessionId: at } }: SessionEntry,
  calls: Pick<ListeningCalls, 'deliver'>,
  onEnded: () => void,
): Kept & { readonly listener: Listener } => {
  const missing = new Missing((said) => calls.deliver(id, said), maxResponseBytes, at)
  const listener = new Listener({ onChunk: (chunk) => missing.push(chunk), onEnded })
  return { missing, since: performance.now(), listener, at, close: () => listener.close() }
}
