import type { Session } from '@mcp-router/core'
import { outcomeUnknown } from '../../calls/outcome.js'
import type { LiveSession } from './live.js'

/** Nobody else ends a Session that has calls under way. */
const clientEnded = 'its client ended the session before it was answered'

/** Leaving lets go of the live parts of Sessions that went elsewhere. */
export interface Leaving {
  /** From now on they live on for the calls that they still answer: whoever drains gives his Sessions away by himself. */
  begin(): void
  /** Resolves once its Upstream is gone, or at once where it lives on. `isOver`: nobody goes on with it. */
  release(record: Session, live: LiveSession, isOver: boolean): Promise<void>
  /** Those that live on. */
  all(): Iterable<LiveSession>
  /** Closes those that lived on. */
  close(): Promise<void>
}

export const createLeaving = (): Leaving => {
  const lingering = new Set<LiveSession>()
  let lingers = false
  return {
    begin() {
      lingers = true
    },
    release({ downstream }, live, isOver) {
      // The stream of a client of 2024-11-05 ends at once: it comes again, and hears at the new Owner what it was not told.
      if (isOver || !lingers || downstream !== 'http') {
        return (
          isOver ? live.close(outcomeUnknown({ reason: clientEnded })) : live.handOver()
        ).catch(() => undefined)
      }
      lingering.add(live)
      live.linger()
      return Promise.resolve()
    },
    all: () => lingering,
    async close() {
      await Promise.all([...lingering].map((live) => live.handOver()))
    },
  }
}
