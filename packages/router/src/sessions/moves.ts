import { setTimeout as wait } from 'node:timers/promises'
import type { SessionId } from '@mcp-router/core'

/** Held is what an Instance answers another one that is about to collect the Endpoint's stream of a Session. */
export interface Held {
  /** It sent a call a moment ago, which may be about to have the client asked. */
  readonly isAsking: boolean
  /** The stream is here. */
  readonly isHolder: boolean
}

/** readHeld is undefined where the Instance is of an earlier version, which does not know the question. */
export const readHeld = (body: Buffer): Held | undefined => {
  const text = body.toString('utf8')
  return text.startsWith('{') ? (JSON.parse(text) as Held) : undefined // an Instance's
}

interface Move {
  /** As `performance.now()` counts. */
  endsAt: number
  over: Promise<void> | undefined
}

/** A call waits no longer for a client that is back, and gets no stream, ms. */
const moveMs = 1_000
const pollMs = 10

/**
 * Moves are the Sessions whose clients are back at some Instance, where the Endpoint's stream is not yet. An Endpoint that allows one stream has none
 * meanwhile, and forgets what it asks: calls wait.
 */
export class Moves {
  private readonly moves = new Map<SessionId, Move>()
  private readonly isThere: (id: SessionId) => Promise<boolean>

  /** `isThere` tells that the client has the Endpoint's stream. */
  constructor(isThere: (id: SessionId) => Promise<boolean>) {
    this.isThere = isThere
  }

  /** begin is called again while it takes longer. */
  begin(id: SessionId): void {
    const endsAt = performance.now() + moveMs
    const move = this.moves.get(id)
    if (move) move.endsAt = endsAt
    else this.moves.set(id, { endsAt, over: undefined })
  }

  /** over resolves once the move is; undefined: it is. */
  over(id: SessionId): Promise<void> | undefined {
    const move = this.moves.get(id)
    if (move) move.over ??= this.watch(id, move).finally(() => this.moves.delete(id))
    return move?.over
  }

  clear(): void {
    this.moves.clear()
  }

  private async watch(id: SessionId, move: Move): Promise<void> {
    while (performance.now() < move.endsAt) {
      if (await this.isThere(id).catch(() => false)) return
      await wait(pollMs, undefined, { ref: false })
    }
  }
}
