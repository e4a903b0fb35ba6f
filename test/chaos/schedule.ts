import { createRandom } from '@mcp-router/testkit/random'
import type { Random } from '@mcp-router/testkit/random'
import { faultKinds } from './fault.js'
import type { FaultKind } from './fault.js'

/** Planned is one step of the schedule. It says which, not whom: who can be hit is known only when it is due. */
export interface Planned {
  readonly dueMs: number
  /** In the order in which they are tried: when the first has nobody to hit, the next one happens. */
  readonly kinds: readonly FaultKind[]
  /** From 0 to 1: which of those that can be hit. */
  readonly which: number
  /** From 0 to 1: how long it is down, between the least and the most of its kind. */
  readonly length: number
}

/** planFaults makes the schedule of a run: the same for the same seed, however the run goes. Each kind comes as often as any other. */
export const planFaults = (
  seed: number,
  kinds: readonly FaultKind[],
  { seconds, everyMs }: { readonly seconds: number; readonly everyMs: number },
): readonly Planned[] => {
  if (everyMs === 0 || kinds.length === 0) return []
  const random = createRandom(seed)
  const fraction = (): number => random.below(1_000_000) / 1_000_000
  const steps = Math.max(0, Math.ceil((seconds * 1000) / everyMs) - 1)
  let round: FaultKind[] = []
  return Array.from({ length: steps }, (_, n) => {
    if (round.length === 0) round = shuffled(kinds, random)
    const first = round.shift()
    const others = shuffled(kinds, random).filter((kind) => kind !== first)
    return {
      dueMs: (n + 1) * everyMs,
      kinds: first === undefined ? others : [first, ...others],
      which: fraction(),
      length: fraction(),
    }
  })
}

/** downMs is the least and the most time that a fault of a kind lasts. */
const downMs: Readonly<Record<FaultKind, readonly [number, number]>> = {
  'instance-kill': [1_000, 1_000],
  'instance-stop': [1_000, 20_000],
  'instance-term': [0, 0],
  'endpoint-kill': [500, 2_000],
  'child-kill': [0, 0],
  'redis-kill': [1_000, 3_000],
  'redis-away': [5_500, 9_000],
  'nginx-reload': [0, 0],
  cut: [0, 0],
  'cluster-stop': [2_000, 2_000],
  'endpoint-flap': [4_000, 15_000],
  'client-restart': [0, 0],
  'second-window': [3_000, 8_000],
  'second-get': [0, 0],
}

/** lengthOf is how long a fault of this kind lasts in this step. */
export const lengthOf = (kind: FaultKind, { length }: Planned): number => {
  const [least, most] = downMs[kind]
  return Math.round(least + length * (most - least))
}

const shuffled = (kinds: readonly FaultKind[], random: Random): FaultKind[] => {
  const left = faultKinds.filter((kind) => kinds.includes(kind))
  const order: FaultKind[] = []
  while (left.length > 0) order.push(...left.splice(random.below(left.length), 1))
  return order
}
