import type { Session } from '@mcp-router/core'
import { discard } from '@mcp-router/upstream'
import type { LiveSession } from './live.js'

/** Leaving lets go of the live parts of Sessions that went elsewhere. */
export interface Leaving {
  /** From now on they live on for the calls that they still answer: whoever drains gives his Sessions away by himself. */
  begin(): void
  letGo(record: Session, live: LiveSession): void
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
    letGo({ downstream }, live) {
      // The stream of a client of 2024-11-05 ends at once: it comes again, and hears at the new Owner what it was not told.
      if (!lingers || downstream !== 'http') {
        discard(live.handOver())
        return
      }
      lingering.add(live)
      live.linger()
    },
    async close() {
      await Promise.all([...lingering].map((live) => live.handOver()))
    },
  }
}
