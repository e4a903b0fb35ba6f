import { existsSync } from 'node:fs'
import { basename, resolve } from 'node:path'
import { findBinary } from '../../binary.js'
import { Failure } from '../../failure.js'
import { seconds } from '../../seconds.js'
import { complain, say } from '../../terminal.js'
import type { Cluster } from '../cluster.js'
import { launch, ready } from './launch.js'
import { endOrphans } from '../run/orphans.js'
import { find } from '../run/pid-file.js'
import { holderOf, portProblem } from '../run/port.js'
import { stages, type ClusterProcess } from '../run/process.js'
import { makeRunDir } from '../run/run-files.js'
import { cleaned, stopInOrder } from '../stop.js'
import { tail } from '../status/tail.js'
import { untilUsableRedis } from './usable-redis.js'
import { setupCommand } from '../../command-name.js'

/**
 * startMissing starts those of `processes` that do not run, stage by stage, and resolves with their
 * number when all of them are healthy. When one cannot be started, everything that this run started
 * is ended again.
 */
export const startMissing = async (
  cluster: Cluster,
  processes: readonly ClusterProcess[],
  signal: AbortSignal,
): Promise<number> => {
  const { files, config } = cluster
  makeRunDir(files)
  const missing = await missingOf(cluster, processes)
  requireBinaries(missing)
  requireScripts(missing)
  await requirePorts(missing)
  const launched: ClusterProcess[] = []
  try {
    // The instances wait in silence: what they write goes to their logs.
    if (missing.some(({ stage }) => stage === 'instance')) await untilUsableRedis(config, signal)
    for (const stage of stages) {
      const next = missing.filter((process) => process.stage === stage)
      await startStage(cluster, next, launched, signal)
    }
  } catch (error) {
    if (launched.length > 0) say('stopping what was started')
    const names = launched.map(({ name }) => name)
    await stopInOrder(files, names, { drainMs: config.drainMs })
    throw signal.aborted ? new Failure('interrupted; nothing is left half-started') : error
  }
  return missing.length
}

const missingOf = async (
  { files }: Cluster,
  processes: readonly ClusterProcess[],
): Promise<readonly ClusterProcess[]> => {
  const missing: ClusterProcess[] = []
  for (const process of processes) {
    if (find(files, process.name).kind === 'running') continue
    endOrphans(files, process)
    cleaned(files, process.name)
    if (process.foreignHealth !== undefined && (await process.foreignHealth()) === undefined)
      sayForeign(process)
    else missing.push(process)
  }
  return missing
}

// It may be that of another cluster, and end with that one.
const sayForeign = ({ name, address, listen }: ClusterProcess): void => {
  const holder = listen && holderOf(listen.port)
  const by = holder === undefined ? '' : ` (pid ${holder.pid})`
  say(
    `  ${name.padEnd(14)} used as it is: an MCP server that this cluster did not start answers at ${address}${by}`,
  )
  say(`  ${''.padEnd(14)} for a server of its own, change ${listen?.variable ?? 'its address'}`)
}

const requireBinaries = (processes: readonly ClusterProcess[]): void => {
  const absent = processes
    .filter(({ command, env }) => findBinary(command, env) === undefined)
    .map(({ what, stage, command }) => {
      const advice =
        stage === 'backend'
          ? `correct "start" of ${what} in the servers file, or install it`
          : `${setupCommand} installs it, or says how`
      return `not installed: ${command} (for ${what}); ${advice}`
    })
  if (absent.length > 0) throw new Failure([...new Set(absent)].join('\n'))
}

const interpreters = /^(node|nodejs|bun|deno|python3?|ruby|bash|sh)$/

// An interpreter that finds no script ends with a stack trace, which does not say what to do.
const requireScripts = (processes: readonly ClusterProcess[]): void => {
  const absent = processes.flatMap(({ what, stage, command, args: [script = ''], cwd }) => {
    const isScript = interpreters.test(basename(command)) && /^[^-].*[./]/.test(script)
    const path = resolve(cwd, script)
    return stage === 'backend' && isScript && !existsSync(path)
      ? [`${what}: there is no ${path}; build it, or correct its "start" in the servers file`]
      : []
  })
  if (absent.length > 0) throw new Failure(absent.join('\n'))
}

const requirePorts = async (processes: readonly ClusterProcess[]): Promise<void> => {
  const problems = await Promise.all(
    processes.map(async ({ name, listen }) => {
      const problem = listen === undefined ? undefined : await portProblem(listen)
      return problem === undefined ? [] : [`${name}: ${problem}`]
    }),
  )
  const all = problems.flat()
  if (all.length > 0) throw new Failure(all.join('\n'))
}

// The first that fails ends the waiting for the others, and is the one that is told.
const startStage = async (
  cluster: Cluster,
  processes: readonly ClusterProcess[],
  launched: ClusterProcess[],
  signal: AbortSignal,
): Promise<void> => {
  const failed = new AbortController()
  const either = AbortSignal.any([signal, failed.signal])
  await Promise.all(
    processes.map(async (process) => {
      try {
        await startOne(cluster, process, launched, either)
      } catch (error) {
        failed.abort(error)
      }
    }),
  )
  either.throwIfAborted()
}

const startOne = async (
  { files }: Cluster,
  process: ClusterProcess,
  launched: ClusterProcess[],
  signal: AbortSignal,
): Promise<void> => {
  const began = Date.now()
  signal.throwIfAborted()
  const one = launch(process, files)
  launched.push(process)
  const problem = await ready(one, process, signal)
  if (problem !== undefined) {
    const log = files.log(process.name)
    const lines = tail(log, 15, one.logFrom)
    if (lines.length > 0) complain(`\nThe end of ${log}:`)
    for (const line of lines) complain(`  | ${line}`)
    throw new Failure(`${process.name} (${process.what}) ${problem}`)
  }
  say(`  ${process.name.padEnd(14)} ready in ${seconds(Date.now() - began)}`)
}
