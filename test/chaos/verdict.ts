import type { Called } from './caller.js'
import type { Figures } from './tally.js'

/** Target is one thing a run must show. */
export interface Target {
  readonly text: string
  readonly passed: boolean
}

/** Suspicious are calls whose outcome is allowed, and yet cannot be. */
export interface Suspicious {
  /** Answered, and yet not in the ledger. */
  readonly unrun: readonly Called[]
  /** Told unknown while nothing was hit. */
  readonly uncaused: readonly Called[]
}

const p50LimitMs = 500
const maxLimitMs = 5_000

/** verdictOf judges a run: the sum of all rows, and what the harness itself complains of. */
export const verdictOf = (
  all: Figures,
  { unrun, uncaused }: Suspicious,
  complaints: readonly string[],
): readonly Target[] => {
  const none = (what: string, count: number): Target => ({
    text: `${what}: ${count}, none allowed`,
    passed: count === 0,
  })
  // A call that may be repeated and was told unknown counts as failed already.
  return [
    none('failed', all.failed),
    none('hung', all.hung),
    none('answered wrongly', all.wrong),
    none('state forgotten', all.forgot),
    none('executed twice', all.twice),
    none('sessions lost', all.lost),
    none('told unknown while nothing was killed', uncaused.length),
    none('answered, and yet not in the ledger', unrun.length),
    none('complaints', complaints.length),
    { text: `calls: ${all.calls}, of which ${all.answered} answered`, passed: all.answered > 0 },
    ...(all.faults === 0 ? [] : recoveryTargets(all)),
  ]
}

const recoveryTargets = ({ recoveryP50Ms, recoveryMaxMs }: Figures): readonly Target[] => [
  {
    text: `recovery p50 ${recoveryP50Ms.toFixed(0)} ms, less than ${p50LimitMs}`,
    passed: recoveryP50Ms < p50LimitMs,
  },
  {
    text: `recovery max ${recoveryMaxMs.toFixed(0)} ms, less than ${maxLimitMs}`,
    passed: recoveryMaxMs < maxLimitMs,
  },
]
