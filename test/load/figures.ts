import type { Round } from './measure.js'
import type { CallRow } from './rows.js'

/** CallFigures sums up the rounds of a row: medians, except for errors (all) and memory (the most). */
export interface CallFigures {
  readonly row: string
  readonly about: string
  readonly perSecond: number
  readonly p50Ms: number
  readonly p99Ms: number
  readonly cpuUs: number
  /** What of it the kernel used. */
  readonly systemUs: number
  /** All of it by group of processes: Nginx and instances. */
  readonly cpuUsBy: Readonly<Record<string, number>>
  /** Times the CPU per call of the baseline in the same round. */
  readonly ratio: number
  readonly maxRatio: number | undefined
  readonly rssBytes: number
  readonly stubBusy: number
  readonly errors: number
  /** Errors that the driver saw, by kind. */
  readonly failures: Readonly<Record<string, number>>
  readonly complaints: readonly string[]
  readonly rounds: readonly Round[]
}

/** Measured is what the rounds of a row left behind; a round that could not be driven is undefined. */
export interface Measured {
  readonly row: CallRow
  readonly rounds: readonly (Round | undefined)[]
  readonly complaints: readonly string[]
}

/** callFigures sums a row up; `baseline` is what bare Nginx did in the same rounds. */
export const callFigures = (measured: Measured, baseline: Measured): CallFigures => {
  const { row } = measured
  const rounds = measured.rounds.filter((round) => round !== undefined)
  const ratios = measured.rounds.flatMap((round, n) => {
    const reference = baseline.rounds[n]
    return round && reference ? [total(round.cpuUs) / total(reference.cpuUs)] : []
  })
  const complaints = [...measured.complaints, ...rounds.flatMap((round) => round.complaints)]
  const failures = sumByName(rounds.map((round) => round.failures))
  const groups = Object.keys(rounds[0]?.cpuUs ?? {})
  return {
    row: row.name,
    about: row.about,
    perSecond: median(rounds.map((round) => round.perSecond)),
    p50Ms: median(rounds.map((round) => round.p50Ms)),
    p99Ms: median(rounds.map((round) => round.p99Ms)),
    cpuUs: median(rounds.map((round) => total(round.cpuUs))),
    systemUs: median(rounds.map((round) => round.systemUs)),
    cpuUsBy: Object.fromEntries(
      groups.map((name) => [name, median(rounds.map((round) => round.cpuUs[name] ?? 0))]),
    ),
    ratio: median(ratios),
    maxRatio: row.maxRatio,
    rssBytes: Math.max(0, ...rounds.map((round) => total(round.rssBytes))),
    stubBusy: median(rounds.map((round) => round.stubBusy)),
    errors: total(failures) + complaints.length,
    failures,
    complaints,
    rounds,
  }
}

/** median of no values is NaN. */
export const median = (values: readonly number[]): number => {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = sorted.length / 2
  const high = sorted[Math.floor(middle)] ?? NaN
  const low = sorted[Math.ceil(middle) - 1] ?? NaN
  return (low + high) / 2
}

const sumByName = (all: readonly Readonly<Record<string, number>>[]): Record<string, number> => {
  const sums: Record<string, number> = {}
  for (const [name, count] of all.flatMap(Object.entries<number>)) {
    sums[name] = (sums[name] ?? 0) + count
  }
  return sums
}

const total = (byGroup: Readonly<Record<string, number>>): number =>
  Object.values(byGroup).reduce((sum, one) => sum + one, 0)
