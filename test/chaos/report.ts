import { mkdir, writeFile } from 'node:fs/promises'
import { cpus, loadavg } from 'node:os'
import { dirname } from 'node:path'
import type { Called } from './caller.js'
import type { Cause } from './causes.js'
import type { Fault } from './fault.js'
import { faultText } from './fault.js'
import type { Options } from './options.js'
import { blamedForCall, countOf } from './tally.js'
import type { Figures, Happened, Loss } from './tally.js'
import type { Target } from './verdict.js'

/** Report is a run as JSON. Times are milliseconds since its start; a figure that nobody gave is null. */
export interface Report {
  readonly startedAt: string
  readonly seed: number
  readonly options: Pick<Options, 'seconds' | 'everyMs' | 'faults' | 'clients'>
  readonly machine: { readonly cores: number; readonly node: string; readonly load: number }
  readonly figures: readonly Figures[]
  readonly targets: readonly Target[]
  readonly complaints: readonly string[]
  readonly causes: readonly Cause[]
  readonly faults: readonly Fault[]
  readonly losses: readonly Loss[]
  /** Every call that was not answered, and those that ran twice. */
  readonly calls: readonly object[]
}

/** reportOf sums a run up. */
export const reportOf = (
  startedAt: Date,
  options: Options,
  happened: Happened,
  judged: Pick<Report, 'figures' | 'targets' | 'complaints' | 'causes'>,
): Report => {
  const { seed, seconds, everyMs, faults, clients } = options
  const times = countOf(happened.ran)
  const ranTwice = ({ call }: Called): boolean => (times.get(call.id) ?? 0) > 1
  return {
    startedAt: startedAt.toISOString(),
    seed,
    options: { seconds, everyMs, faults, clients },
    machine: { cores: cpus().length, node: process.version, load: loadavg()[0] ?? 0 },
    ...judged,
    faults: happened.faults,
    losses: happened.losses,
    calls: happened.calls
      .filter((called) => called.outcome.kind !== 'answered' || ranTwice(called))
      .map((called) => told(called, happened.faults, times.get(called.call.id) ?? 0)),
  }
}

const told = (called: Called, faults: readonly Fault[], ran: number): object => {
  const { caller, call, fromMs, toMs, retrySafe, outcome } = called
  const fault = blamedForCall(faults, called)
  const client = caller.name
  return {
    client,
    ...call,
    retrySafe,
    fromMs,
    toMs,
    ran,
    outcome,
    fault: fault && faultText(fault),
  }
}

/** writeReport puts a run's figures where programs read them. */
export const writeReport = async (file: string, report: Report): Promise<void> => {
  await mkdir(dirname(file), { recursive: true })
  await writeFile(file, `${JSON.stringify(report, null, 2)}\n`)
}
