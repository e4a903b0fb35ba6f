import { setTimeout as wait } from 'node:timers/promises'
import type { SessionId } from '@mcp-router/core'
import type { Holder } from './listening-peers.js'

interface Move {
  /** Both as `performance.now()` counts. */
  readonly beganAt: number
  endsAt: number
  over: Promise<void> | undefined
}

/** A call waits no longer for a client that is back, and gets no stream, ms. */
const moveMs = 1_500
/** Nor for one that is about to get it all the time. */
const longestMs = 5_000
const pollMs = 10

/**
 * Moves are the Sessions whose clients are back at some Instance, where the Endpoint's stream is not yet. An Endpoint that allows one stream has none
 * meanwhile, and forgets what it asks: calls wait.
 */
export class Moves {
  private readonly moves = new Map<SessionId, Move>()
  private readonly whereIs: (id: SessionId) => Promise<Holder | undefined>

  /** `whereIs` tells who has the Endpoint's stream, or is about to. */
  constructor(whereIs: (id: SessionId) => Promise<Holder | undefined>) {
    this.whereIs = whereIs
  }

  /** begin is called again while it takes longer. */
  begin(id: SessionId): void {
    const now = performance.now()
    const move = this.moves.get(id)
    if (move) move.endsAt = now + moveMs
    else this.moves.set(id, { beganAt: now, endsAt: now + moveMs, over: undefined })
  }

  /** over resolves once the move is, and rejects where it takes too long; undefined: it is. */
  over(id: SessionId): Promise<void> | undefined {
    const move = this.moves.get(id)
    if (move)
      move.over ??= this.watch(id, move).finally(() => {
        if (this.moves.get(id) === move) this.moves.delete(id)
      })
    return move?.over
  }

  delete(id: SessionId): void {
    this.moves.delete(id)
  }

  clear(): void {
    this.moves.clear()
  }

  private async watch(id: SessionId, move: Move): Promise<void> {
    while (performance.now() < Math.min(move.endsAt, move.beganAt + longestMs)) {
      const where = await this.whereIs(id).catch(() => undefined)
      if (where === 'client') return
      if (where === 'coming') move.endsAt = performance.now() + moveMs
      await wait(pollMs, undefined, { ref: false })
    }
    throw new Error('the client gets no stream')
  }
}
