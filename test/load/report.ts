import { mkdir, writeFile } from 'node:fs/promises'
import { cpus, loadavg, totalmem } from 'node:os'
import { dirname } from 'node:path'
import type { CallFigures } from './figures.js'
import type { Options } from './options.js'
import type { StreamFigures } from './streams.js'
import type { Target } from './targets.js'

/** Report is a run as JSON. */
export interface Report {
  readonly startedAt: string
  readonly machine: Machine
  readonly driver: string
  readonly options: Pick<
    Options,
    'seconds' | 'warmupSeconds' | 'rounds' | 'connections' | 'streams'
  >
  readonly calls: readonly CallFigures[]
  readonly streams: readonly StreamFigures[]
  readonly targets: readonly Target[]
}

/** Machine is what figures must be read against; `load` is the one-minute average before the run. */
export interface Machine {
  readonly cpu: string
  readonly cores: number
  readonly memoryMib: number
  readonly platform: string
  readonly node: string
  readonly load: number
}

export const thisMachine = (): Machine => ({
  cpu: cpus()[0]?.model ?? 'unknown',
  cores: cpus().length,
  memoryMib: Math.round(totalmem() / 2 ** 20),
  platform: `${process.platform} ${process.arch}`,
  node: process.version,
  load: loadavg()[0] ?? 0,
})

/** writeReport puts a run's figures where programs read them. */
export const writeReport = async (file: string, report: Report): Promise<void> => {
  await mkdir(dirname(file), { recursive: true })
  await writeFile(file, `${JSON.stringify(report, null, 2)}\n`)
}
