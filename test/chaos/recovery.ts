import type { Called } from './caller.js'
import type { Fault } from './fault.js'

/** Recovery is how long one client went without a good answer after one fault. */
export interface Recovery {
  readonly fault: Fault
  readonly client: string
  readonly waitMs: number
  /** What it had in the end. */
  readonly good: Called
}

/**
 * recoveriesOf measures, for each fault and each client, from when the client needed something (the fault, where a call was under way; else
 * its next call) to its first good answer. What the tool itself took does not count, as often as it ran, nor time in which something without a stand-in was
 * kept down.
 */
export const recoveriesOf = (
  calls: readonly Called[],
  faults: readonly Fault[],
  begun: Begun = new Map(),
): readonly Recovery[] => {
  const byClient = new Map<string, Called[]>()
  for (const called of calls) {
    const own = byClient.get(called.caller.name)
    if (own) own.push(called)
    else byClient.set(called.caller.name, [called])
  }
  const excused = excusedTimes(faults)
  return faults.flatMap((fault) =>
    [...byClient].flatMap(([client, own]) => {
      const first = own.findIndex(({ toMs }) => toMs > fault.atMs)
      const needed = own[first]
      if (!needed) return []
      const good = own.slice(first).find(({ outcome }) => outcome.kind === 'answered')
      if (!good) return []
      const from = Math.max(fault.atMs, needed.fromMs)
      const spared = merged([...excused, ...runsOf(good, begun)])
      const waitMs = good.toMs - from - overlap(spared, from, good.toMs)
      return [{ fault, client, waitMs: Math.max(0, waitMs), good }]
    }),
  )
}

/** Begun is when the runs of each call began, by its id, ms since the start of the run. */
export type Begun = ReadonlyMap<string, readonly number[]>

/** slowestOf are the slowest recoveries, each good answer once, with the fault that it was the first after. */
export const slowestOf = (recoveries: readonly Recovery[], count: number): readonly Recovery[] => {
  const slowest = recoveries.toSorted((a, b) => b.waitMs - a.waitMs)
  const seen = new Set<string>()
  return slowest.filter(({ good: { call } }) => {
    if (seen.size >= count || seen.has(call.id)) return false
    seen.add(call.id)
    return true
  })
}

type Span = readonly [fromMs: number, toMs: number]

/** excusedTimes are times in which something without a stand-in was kept down. */
const excusedTimes = (faults: readonly Fault[]): readonly Span[] =>
  faults
    .filter(({ excused }) => excused)
    .map(({ atMs, untilMs = Infinity }): Span => [atMs, untilMs])

/** runsOf is when the tool was at work on a call: a run that was cut off lasts until the next one at most. */
const runsOf = ({ call, toMs }: Called, begun: Begun): readonly Span[] => {
  if (call.delayMs === 0) return []
  const times = begun.get(call.id) ?? [toMs - call.delayMs]
  return times.map((at, n) => [at, Math.min(at + call.delayMs, times[n + 1] ?? Infinity)])
}

/** merged are the same times, none of them twice. */
const merged = (spans: readonly Span[]): readonly Span[] => {
  const all: Span[] = []
  for (const [from, to] of spans.toSorted(([a], [b]) => a - b)) {
    const last = all.at(-1)
    if (last && from <= last[1]) all[all.length - 1] = [last[0], Math.max(last[1], to)]
    else all.push([from, to])
  }
  return all
}

const overlap = (spans: readonly Span[], fromMs: number, toMs: number): number =>
  spans.reduce(
    (sum, [from, to]) => sum + Math.max(0, Math.min(to, toMs) - Math.max(from, fromMs)),
    0,
  )
