import { rmSync } from 'node:fs'
import { setTimeout as wait } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { Failure } from '../../failure.js'
import { say } from '../../terminal.js'
import type { Cluster } from '../cluster.js'
import { launch } from '../start/launch.js'
import { find, forget } from '../run/pid-file.js'
import { withPrivateEnv } from '../start/private-env.js'
import type { RunFiles } from '../run/run-files.js'
import { endProcess } from '../stop.js'
import { tail } from '../status/tail.js'
import { readState } from './state.js'

/** supervisorName names the pid file and the log of the supervisor. */
export const supervisorName = 'supervisor'

const main = fileURLToPath(new URL('../../main.js', import.meta.url))
const readyMs = 15_000
const pollMs = 25

/** hasSupervisor tells whether the processes of a run directory are supervised. */
export const hasSupervisor = (files: RunFiles): boolean =>
  find(files, supervisorName).kind === 'running'

/**
 * startSupervisor puts a supervisor with the configuration of this command in place of the one that
 * runs, if any. It adopts what has a pid file, and outlives this command and its terminal. The
 * caller holds the lock.
 */
export const startSupervisor = async (cluster: Cluster): Promise<void> => {
  const { config, env, files } = cluster
  await endSupervisor(files)
  if (!config.supervise) return
  const launched = launch(
    {
      name: supervisorName,
      command: process.execPath,
      args: [main, 'cluster', 'supervise'],
      cwd: files.runDir,
      // Paths mean what they meant to this command.
      ...withPrivateEnv({
        ...env,
        MCP_SERVERS_FILE: config.serversFile,
        MCP_RUN_DIR: config.runDir,
      }),
      prepare: () => undefined,
    },
    files,
  )
  const end = Date.now() + readyMs
  while (readState(files)?.pid !== launched.pid) {
    const ended = launched.ended() ?? (Date.now() > end ? 'is not ready in time' : undefined)
    if (ended !== undefined) {
      const lines = tail(files.log(supervisorName), 5, launched.logFrom).join('\n')
      throw new Failure(`the supervisor ${ended}; the processes run without it\n${lines}`)
    }
    await wait(pollMs)
  }
}

/** endSupervisor ends it and nothing else; it resolves true when there was one. */
export const endSupervisor = async (files: RunFiles): Promise<boolean> => {
  const found = find(files, supervisorName)
  if (found.kind === 'running') await endProcess(found.pid)
  forget(files, supervisorName)
  return found.kind === 'running'
}

/** stopSupervising ends the supervisor and forgets what it knew. */
export const stopSupervising = async (files: RunFiles): Promise<void> => {
  if (await endSupervisor(files)) say(`  ${supervisorName.padEnd(14)} stopped`)
  rmSync(files.supervisorState, { force: true })
}
