import type { SessionId } from '@mcp-router/core'

/** How long after a fault clients may be away with their streams, ms: those of the official SDKs come back after 1 s, and after 2.5 s once more. */
const awayMs = 10_000

/**
 * Away tells for which Sessions nobody may hear what a server asks outside of calls: the Instance that had their streams is gone or drains, or they
 * go on in another session at a server, which has no stream yet.
 */
export class Away {
  private lost: NodeJS.Timeout | undefined
  private readonly moved = new Map<SessionId, NodeJS.Timeout>()
  private readonly onBack: (id: SessionId | undefined) => void

  /** `onBack` comes when clients had the time to come back: that of one Session, or all (undefined). */
  constructor(onBack: (id: SessionId | undefined) => void) {
    this.onBack = onBack
  }

  has(id: SessionId): boolean {
    return this.lost !== undefined || (this.moved.size > 0 && this.moved.has(id))
  }

  /** lose is for when an Instance is gone, or drains. */
  lose(): void {
    clearTimeout(this.lost)
    this.lost = setTimeout(() => {
      this.lost = undefined
      this.onBack(undefined)
    }, awayMs)
    this.lost.unref()
  }

  /** move is for a Session that goes on in another session at a server. */
  move(id: SessionId): void {
    clearTimeout(this.moved.get(id))
    const back = setTimeout(() => {
      this.moved.delete(id)
      this.onBack(id)
    }, awayMs)
    back.unref()
    this.moved.set(id, back)
  }

  close(): void {
    clearTimeout(this.lost)
    this.lost = undefined
    for (const back of this.moved.values()) clearTimeout(back)
    this.moved.clear()
  }
}
