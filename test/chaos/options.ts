import { parseArgs } from 'node:util'
import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { faultKinds } from './fault.js'
import type { FaultKind } from './fault.js'
import { stateToolNames, toolNames } from './fixture/tools.js'
import type { ToolName } from './fixture/tools.js'

/** Options is one run as it was asked for. */
export interface Options {
  readonly seconds: number
  /** From one fault to the next; 0: no faults. */
  readonly everyMs: number
  readonly seed: number
  readonly faults: readonly FaultKind[]
  /** What clients may call. */
  readonly tools: readonly ToolName[]
  readonly clients: number
  /** Undefined: no report is written. */
  readonly json: string | undefined
  /** The build to run; instances are started as `node <cli> serve`. */
  readonly cli: string
  /** Absolute path: configurations, logs, Redis data, the ledger. */
  readonly runDir: string
}

const allTools: readonly ToolName[] = [...toolNames, ...stateToolNames]

export const help = `npm run chaos -- [flags]

  --seconds N        how long faults happen (300)
  --every MS         from one fault to the next; 0: no faults (2000)
  --seed N           the schedule and what clients call (chosen by chance, and printed)
  --replay N         the same as --seed
  --faults a,b       only these: ${faultKinds.join(', ')}
  --tools a,b        clients call only these: ${allTools.join(', ')}
  --clients N        how many clients call at once (42)
  --json FILE        write the figures
  --servers          odd answers of servers instead of faults (see test/chaos/README.md)
  --cli FILE         the build to run (packages/cli/dist/main.js)
  --help

The run directory is $MCP_RUN_DIR or .run; working files are in its folder chaos/.
Exit code: 0; 1 when a call was failed, hung or executed twice, a session was lost, a call that may be repeated was told unknown, or
recovery took too long (p50 500 ms, max 5 s).
`

const root = fileURLToPath(new URL('../../../../', import.meta.url))

/** readOptions turns the command line into Options; undefined means that help was asked for. */
export const readOptions = (
  argv: readonly string[],
  env: NodeJS.ProcessEnv,
): Options | undefined => {
  const { values } = parseArgs({
    args: [...argv],
    options: {
      seconds: { type: 'string', default: '300' },
      every: { type: 'string', default: '2000' },
      seed: { type: 'string' },
      replay: { type: 'string' },
      faults: { type: 'string' },
      tools: { type: 'string' },
      clients: { type: 'string', default: '42' },
      json: { type: 'string' },
      cli: { type: 'string', default: join(root, 'packages/cli/dist/main.js') },
      help: { type: 'boolean', default: false, short: 'h' },
    },
  })
  if (values.help) return undefined
  const seed = values.replay ?? values.seed ?? String(Math.floor(Math.random() * maxSeed))
  return {
    seconds: whole('seconds', values.seconds, 1, 86_400),
    everyMs: whole('every', values.every, 0, 3_600_000),
    seed: whole('seed', seed, 0, maxSeed),
    faults: chosen('fault', faultKinds, values.faults),
    tools: chosen('tool', allTools, values.tools),
    clients: whole('clients', values.clients, 1, 1_000),
    json: values.json === undefined ? undefined : resolve(values.json),
    cli: resolve(values.cli),
    runDir: join(resolve(root, env['MCP_RUN_DIR'] ?? '.run'), 'chaos'),
  }
}

const maxSeed = 2 ** 32 - 1

const chosen = <T extends string>(
  what: string,
  all: readonly T[],
  names: string | undefined,
): readonly T[] => {
  if (names === undefined) return all
  const wanted = names.split(',').map((name) => name.trim())
  const unknown = wanted.filter((name) => !all.some((each) => each === name))
  if (unknown.length === 0) return all.filter((each) => wanted.includes(each))
  throw new Error(`unknown ${what} ${unknown.join(', ')}: there are ${all.join(', ')}`)
}

const whole = (name: string, text: string, least: number, most: number): number => {
  const value = Number(text)
  if (Number.isInteger(value) && value >= least && value <= most) return value
  throw new Error(`--${name} takes a whole number from ${least} to ${most}, not "${text}"`)
}
