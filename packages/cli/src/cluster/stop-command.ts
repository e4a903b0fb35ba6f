import { loadRunDir, type Env } from '@mcp-router/config'
import { join } from 'node:path'
import { Failure } from '../failure.js'
import { say } from '../terminal.js'
import { recordedValues } from './restart/settings.js'
import { withLock } from './run/lock.js'
import { endChildren } from './run/orphans.js'
import { find, recorded } from './run/pid-file.js'
import { hasRunDir, runFiles, type RunFiles } from './run/run-files.js'
import { logsIn } from './status/logs-command.js'
import { cleaned, nothingRan, stop, stopAll } from './stop.js'
import { stopSupervising } from './supervise/supervisor.js'

/**
 * stopCommand ends everything of the run directory; with a port, only the process at that port. It
 * reads no more than the run directory, so that a cluster can be stopped whose configuration was
 * broken meanwhile.
 */
export const stopCommand = async (env: Env, port: number | undefined): Promise<void> => {
  const { runDir, drainMs } = loadRunDir(env)
  const files = runFiles(runDir)
  if (!hasRunDir(files)) {
    say(nothingRan(files))
    return
  }
  await withLock(files, async () => {
    if (port !== undefined) return stopAt(files, port, drainMs)
    // First, so that nothing is started again even if this command is killed meanwhile.
    await stopSupervising(files)
    await stopAll(files, { drainMs })
    endChildren(files)
  })
}

const stopAt = async (files: RunFiles, port: number, drainMs: number): Promise<void> => {
  const names = recorded(files).filter((name) => portOf(files, name) === port)
  if (names.length === 0 && !hasRun(files, port)) throw noSuchPort(files, port)
  const [running] = names.filter((name) => find(files, name).kind === 'running')
  if (running === undefined) {
    for (const name of names) cleaned(files, name)
    say(`${nothingRan(files)} at port ${port}`)
    return
  }
  await stop(files, running, { drainMs })
}

/** portOf is where a process of a pid file listens; undefined: at none, as Redis. */
const portOf = (files: RunFiles, name: string): number | undefined => {
  const port = name === 'nginx' ? recordedValues(files, name)['GATEWAY_PORT'] : undefined
  return Number(port ?? /-(\d+)$/.exec(name)?.[1]) || undefined
}

/** What was stopped before is no mistake, as stop without a port is none. */
const hasRun = (files: RunFiles, port: number): boolean =>
  logsIn(join(files.runDir, 'logs')).some((log) => log.endsWith(`-${port}.log`))

const noSuchPort = (files: RunFiles, port: number): Failure => {
  const ports = recorded(files).flatMap((name) => {
    const own = find(files, name).kind === 'running' ? portOf(files, name) : undefined
    return own === undefined ? [] : [`${own} (${name})`]
  })
  const known = ports.length === 0 ? 'nothing is running there' : `it has ${ports.join(', ')}`
  return new Failure(`nothing of the cluster in ${files.runDir} has port ${port}; ${known}`)
}
