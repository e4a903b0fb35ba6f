import type { Era } from '@mcp-router/core'
import type { EraStore } from '../era-store.js'
import type { Attempt } from './attempt.js'

interface Verdict {
  readonly era: Era
  /** ms since the epoch */
  readonly expiresAt: number
}

export const memoryEras = (attempt: Attempt): EraStore => {
  const verdicts = new Map<string, Verdict>()
  return {
    find: (key) =>
      attempt(() => {
        const verdict = verdicts.get(key)
        if (!verdict) return undefined
        const leftMs = verdict.expiresAt - Date.now()
        return leftMs > 0 ? { era: verdict.era, leftMs } : undefined
      }),
    keep: (key, era, ttlMs) =>
      attempt(() => {
        const now = Date.now()
        // There is one per Endpoint, so that looking through all of them costs nothing.
        for (const [each, { expiresAt }] of verdicts) if (expiresAt <= now) verdicts.delete(each)
        verdicts.set(key, { era, expiresAt: now + ttlMs })
      }),
    forget: (key) => attempt(() => void verdicts.delete(key)),
  }
}
