import type { Called } from './caller.js'

/** Cause is a kind of failure, and how often it came. */
export interface Cause {
  readonly outcome: string
  readonly text: string
  readonly calls: number
  /** Who met it: `v1 sse → stdio`. */
  readonly ways: Readonly<Record<string, number>>
}

const textLimit = 160

/** causesOf groups what went wrong by what the clients saw, the most frequent first; numbers and ids do not tell causes apart. */
export const causesOf = (calls: readonly Called[]): readonly Cause[] => {
  const causes = new Map<string, Cause & { calls: number; ways: Record<string, number> }>()
  for (const { caller, outcome } of calls) {
    if (outcome.kind === 'answered' || outcome.kind === 'given up') continue
    const text = outcome.text
      .replaceAll(/chaos-[\d-]+/g, '(id)')
      .replaceAll(/\d+/g, 'N')
      .replaceAll('\\"', '"')
      .slice(0, textLimit)
    const key = `${outcome.kind} ${text}`
    const cause = causes.get(key) ?? { outcome: outcome.kind, text, calls: 0, ways: {} }
    const way = `${caller.kind} → ${caller.backend}`
    cause.calls++
    cause.ways[way] = (cause.ways[way] ?? 0) + 1
    causes.set(key, cause)
  }
  return [...causes.values()].toSorted((a, b) => b.calls - a.calls)
}

/** causeText tells a cause in two lines. */
export const causeText = ({ outcome, text, calls, ways }: Cause): string => {
  const met = Object.entries(ways).map(([way, count]) => `${way} ${count}`)
  return `${String(calls).padStart(5)}  ${outcome}: ${text}\n       ${met.join(', ')}`
}
