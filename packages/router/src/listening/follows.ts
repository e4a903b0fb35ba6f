import { setTimeout as wait } from 'node:timers/promises'
import type { SessionId } from '@mcp-router/core'
import { discard } from '@mcp-router/upstream'

/** Follow is a stream (GET) of a portable Session that is open towards its client from here. */
export interface Follow {
  /** Ends it: its client comes again, where the Session goes on. */
  end(): void
  /** The Endpoint allows one stream of the session and has another one: this one is open towards the client only. */
  isWaiting(): boolean
  /** The Endpoint writes to it. */
  isOpen(): boolean
  /** It has ended, though its response may not be closed yet. */
  isOver(): boolean
  /** It is open in another session at a server than this one. */
  isStale(at: string): boolean
  /** Has what its client missed collected from the other Instances. */
  collect(): Promise<boolean>
  /** Asks the Endpoint again at once. It resolves once this is the Endpoint's stream, or over. */
  hurry(): Promise<void>
}

export type Follows = Map<SessionId, Set<Follow>>

/** addFollow adds one, and returns how to take it out. */
export const addFollow = (follows: Follows, id: SessionId, follow: Follow): (() => void) => {
  const all = follows.get(id) ?? new Set()
  follows.set(id, all)
  all.add(follow)
  return () => {
    all.delete(follow)
    if (all.size === 0) follows.delete(id)
  }
}

/** endFollows ends those of a Session that is over. */
export const endFollows = (follows: Follows, id: SessionId): void => {
  for (const follow of [...(follows.get(id) ?? [])]) follow.end()
}

/** endStale ends those that are open in another session at a server than this one: their clients come again. */
export const endStale = (follows: Follows, id: SessionId, at: string): void => {
  for (const follow of [...(follows.get(id) ?? [])]) if (follow.isStale(at)) follow.end()
}

/** isFollowed tells that a client's stream of the Session is the Endpoint's, in this session there where one is given. */
export const isFollowed = (follows: Follows, id: SessionId, at?: string): boolean =>
  current(follows, id, at).some((follow) => !follow.isWaiting())

/** isOpen tells that the Endpoint writes to a client's stream of the Session. */
export const isOpen = (follows: Follows, id: SessionId, at?: string): boolean =>
  current(follows, id, at).some((follow) => follow.isOpen())

const current = (follows: Follows, id: SessionId, at: string | undefined): readonly Follow[] =>
  [...(follows.get(id) ?? [])].filter(
    (follow) => !follow.isOver() && (at === undefined || !follow.isStale(at)),
  )

/** hurry resolves once one of those that wait is the Endpoint's stream, and rejects after `patienceMs`; undefined: none waits. */
export const hurry = (
  follows: Follows,
  id: SessionId,
  patienceMs: number,
): Promise<void> | undefined => {
  const waiting = [...(follows.get(id) ?? [])].filter((follow) => follow.isWaiting())
  if (waiting.length === 0) return undefined
  const late = wait(patienceMs, undefined, { ref: false }).then(() => {
    throw new Error('the stream still waits')
  })
  return Promise.race([...waiting.map((follow) => follow.hurry()), late])
}

/** hurryAll is for when an Instance is gone: it may have had what they wait for. */
export const hurryAll = (follows: Follows): void => {
  for (const all of follows.values())
    for (const follow of all) if (follow.isWaiting()) discard(follow.hurry())
}

/** collectAll has the client's streams collect what others hold; undefined: there are none. */
export const collectAll = (follows: Follows, id: SessionId): string | undefined => {
  const all = current(follows, id, undefined)
  for (const follow of all) discard(follow.collect())
  return all.length > 0 ? 'collecting' : undefined
}
