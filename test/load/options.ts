import { statSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'

/** Options is one run of the benchmark as it was asked for. */
export interface Options {
  readonly seconds: number
  readonly warmupSeconds: number
  readonly rounds: number
  readonly connections: number
  readonly streams: number
  /** Undefined: all rows. */
  readonly rows: readonly string[] | undefined
  /** The build to measure; it is started as `node <cli> serve`. */
  readonly cli: string
  /** Absolute path: configurations, logs, profiles of this run. */
  readonly runDir: string
  readonly json: string
  readonly check: boolean
  readonly profile: boolean
  /** All processes run on one core: else a figure has in it what it costs to wake another core. */
  readonly pinned: boolean
  /** Another build, whose instance is driven in turn with this one's. */
  readonly compare: string | undefined
}

export const help = `npm run bench -- [flags]

  --rows a,b         only these rows (and the bare Nginx rows they are compared with)
  --seconds N        measured time of a row in a round (5)
  --warmup N         seconds of load before each measurement (2)
  --rounds N         rounds; every round drives each row once (3)
  --connections N    keep-alive connections of the driver (64)
  --streams N        idle SSE streams to hold (5000)
  --cli FILE         the build to measure (packages/cli/dist/main.js)
  --json FILE        where the figures go (<run directory>/bench.json)
  --compare FILE     another build (its main.js): each row of one instance is driven with both, in turn
  --free             let processes run on any core; without it all share one, which is what the figures are of
  --profile          afterwards, run an instance under --cpu-prof and list where its time goes
  --check            exit 1 when a target is missed
  --help

The run directory is $MCP_RUN_DIR or .run; working files are in its folder bench/.
Exit code: 0; 1 when a row had errors, or with --check when a target was missed.
`

const root = fileURLToPath(new URL('../../..', import.meta.url))

/** readOptions turns the command line into Options; undefined means that help was asked for. */
export const readOptions = (argv: readonly string[], env: NodeJS.ProcessEnv) => {
  const { values } = parseArgs({
    args: [...argv],
    options: {
      rows: { type: 'string' },
      seconds: { type: 'string', default: '5' },
      warmup: { type: 'string', default: '2' },
      rounds: { type: 'string', default: '3' },
      connections: { type: 'string', default: '64' },
      streams: { type: 'string', default: '5000' },
      cli: { type: 'string', default: join(root, 'packages/cli/dist/main.js') },
      json: { type: 'string' },
      profile: { type: 'boolean', default: false },
      compare: { type: 'string' },
      free: { type: 'boolean', default: false },
      check: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false, short: 'h' },
    },
  })
  if (values.help) return undefined
  const base = resolve(root, env['MCP_RUN_DIR'] ?? '.run')
  return {
    seconds: whole('seconds', values.seconds, 1, 120),
    warmupSeconds: whole('warmup', values.warmup, 0, 60),
    rounds: whole('rounds', values.rounds, 1, 50),
    connections: whole('connections', values.connections, 1, 1000),
    streams: whole('streams', values.streams, 1, 20_000),
    rows: values.rows?.split(',').map((name) => name.trim()),
    cli: programAt('cli', values.cli),
    runDir: join(base, 'bench'),
    json: values.json === undefined ? join(base, 'bench.json') : resolve(values.json),
    check: values.check,
    profile: values.profile,
    pinned: !values.free,
    compare: values.compare === undefined ? undefined : programAt('compare', values.compare),
  } satisfies Options
}

/** A folder is no program, and what is not there would end each row with an error of its own. */
const programAt = (name: string, path: string): string => {
  const file = resolve(path)
  if (statSync(file, { throwIfNoEntry: false })?.isFile()) return file
  throw new Error(`--${name} takes the main.js of a build, and there is none at ${file}`)
}

const whole = (name: string, text: string, least: number, most: number): number => {
  const value = Number(text)
  if (Number.isInteger(value) && value >= least && value <= most) return value
  throw new Error(`--${name} takes a whole number from ${least} to ${most}, not "${text}"`)
}
