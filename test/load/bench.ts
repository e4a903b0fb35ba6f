import type { Children } from './children.js'
import { openDriver } from './driver.js'
import type { Options } from './options.js'
import { pinToOneCore } from './pin.js'
import { profileRow } from './profile.js'
import { thisMachine, writeReport } from './report.js'
import { openRig, type Via } from './rig.js'
import { driveRounds } from './rounds.js'
import { type CallRow, chosenRows, rows, type StreamRow, withCompared } from './rows.js'
import { failedStreams, holdStreams, type StreamFigures } from './streams.js'
import { tableOf } from './table.js'
import { errorsOf, targetsOf } from './targets.js'

/** Bench is what a run needs from outside: its processes are started through `children` and ended by the caller. */
export interface Bench {
  readonly options: Options
  readonly children: Children
  readonly signal: AbortSignal
  readonly print: (line: string) => void
}

/** runBench measures the chosen rows, prints and writes the figures, and returns the exit code. */
export const runBench = async ({ options, children, signal, print }: Bench): Promise<number> => {
  const { compare, cli } = options
  if (options.pinned) await pinToOneCore(print)
  const chosen = withCompared(chosenRows(options.rows), compare)
  const callRows = chosen.filter((row): row is CallRow => row.kind === 'calls')
  const streamRows = chosen.filter((row): row is StreamRow => row.kind === 'streams')
  const machine = thisMachine()
  const startedAt = new Date().toISOString()
  const driver = await openDriver(options.runDir, signal)
  print(`${machine.cores} cores (${machine.cpu}), Node ${machine.node}, driver: ${driver.name}`)
  const vias = new Set<Via>(callRows.map((row) => row.via))
  const rig = await openRig({ runDir: options.runDir, cli, compare, vias }, children)

  const calls = await driveRounds(rig, driver, callRows, { options, signal, print })
  const streams: StreamFigures[] = []
  for (const row of streamRows) {
    signal.throwIfAborted()
    const figures = holdStreams(rig, row, options.streams, print)
    streams.push(
      await figures.catch((error: unknown) => failedStreams(row, options.streams, error)),
    )
  }

  const targets = targetsOf(calls, streams)
  print(`\n${tableOf(calls, streams, targets)}\n`)
  const { seconds, warmupSeconds, rounds, connections } = options
  const shape = { seconds, warmupSeconds, rounds, connections, streams: options.streams }
  const report = {
    startedAt,
    machine,
    driver: driver.name,
    options: shape,
    calls,
    streams,
    targets,
  }
  await writeReport(options.json, report)
  print(`figures: ${options.json}`)
  if (options.profile) {
    print(await profileRow(rig, driver, profiled(callRows), options.runDir, options))
  }
  if (errorsOf(calls, streams) > 0) return 1
  return options.check && targets.some((target) => !target.passed) ? 1 : 0
}

/** The first chosen row of one instance, or the http session row. */
const profiled = (chosen: readonly CallRow[]): CallRow => {
  const own = [...chosen, ...rows].find((row) => row.kind === 'calls' && row.via === 'instance')
  if (own?.kind !== 'calls') throw new Error('no row drives one instance')
  return own
}
