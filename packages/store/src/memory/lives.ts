import type { SessionId } from '@mcp-router/core'
import { lifeEntries } from '../session-lives.js'
import type { LifeEntry, RenewedLives } from '../session-lives.js'
import type { Attempt } from './attempt.js'

interface Life {
  readonly entries: readonly LifeEntry[]
  /** ms since the epoch */
  readonly expiresAt: number
}

/** Of more Sessions than this, those that were used last are remembered. */
export const maxLives = 10_000

export const memoryLives = (attempt: Attempt, ttlMs: number): RenewedLives => {
  // In the order of their last use, so that those that expire next come first.
  const lives = new Map<SessionId, Life>()
  const keep = (id: SessionId, entries: readonly LifeEntry[]): void => {
    lives.delete(id)
    lives.set(id, { entries, expiresAt: Date.now() + ttlMs })
  }
  const entriesOf = (id: SessionId): readonly LifeEntry[] => {
    const life = lives.get(id)
    return life && life.expiresAt > Date.now() ? life.entries : []
  }
  const forgetOld = (): void => {
    const now = Date.now()
    for (const [id, { expiresAt }] of lives) {
      if (expiresAt > now && lives.size <= maxLives) return
      lives.delete(id)
    }
  }
  return {
    note: (id, entry) =>
      attempt(() => {
        keep(id, [...entriesOf(id), entry].slice(-lifeEntries))
        forgetOld()
      }),
    read: (id) => attempt(() => entriesOf(id)),
    async *list() {
      yield* await attempt(() => [...lives.keys()].filter((id) => entriesOf(id).length > 0))
    },
    renew(ids) {
      for (const id of ids) {
        const entries = entriesOf(id)
        if (entries.length > 0) keep(id, entries)
      }
    },
  }
}
