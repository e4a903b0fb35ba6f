import { loadRunDir, type Env } from '@mcp-router/config'
import { say } from '../terminal.js'
import { withLock } from './run/lock.js'
import { endChildren } from './run/orphans.js'
import { find, recorded } from './run/pid-file.js'
import { hasRunDir, runFiles, type RunFiles } from './run/run-files.js'
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
  const names = recorded(files).filter((name) => name.endsWith(`-${port}`))
  const [running] = names.filter((name) => find(files, name).kind === 'running')
  if (running === undefined) {
    for (const name of names) cleaned(files, name)
    say(`${nothingRan(files)} at port ${port}`)
    return
  }
  await stop(files, running, { drainMs })
}
