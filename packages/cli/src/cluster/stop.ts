import { setTimeout as wait } from 'node:timers/promises'
import { seconds } from '../seconds.js'
import { say } from '../terminal.js'
import { birthOf } from '@mcp-router/upstream'
import { find, forget, recorded } from './run/pid-file.js'
import { stageOf, type Stage } from './run/process.js'
import type { RunFiles } from './run/run-files.js'

const killAfterMs = 10_000
const pollMs = 25

/** StopOptions: `drainMs` is how long an Instance may take to finish the calls that it holds. */
export interface StopOptions {
  readonly drainMs: number
}

/** stopAll ends everything that pid files of the run directory lead to, and tells of each. */
export const stopAll = async (files: RunFiles, options: StopOptions): Promise<void> => {
  const names = recorded(files).filter((name) => stageOf(name) !== undefined)
  const running = names.filter((name) => !cleaned(files, name))
  if (running.length === 0) {
    say(nothingRan(files))
    return
  }
  await stopInOrder(files, running, options)
}

/** nothingRan names the run directory: what was meant may run in another one. */
export const nothingRan = ({ runDir }: RunFiles): string =>
  `nothing was running in ${runDir} (MCP_RUN_DIR)`

/**
 * stopInOrder ends processes in the order in which they need each other. Nginx is told first: it
 * takes no more connections and finishes its calls while the Instances drain.
 */
export const stopInOrder = async (
  files: RunFiles,
  names: readonly string[],
  options: StopOptions,
): Promise<void> => {
  const together: readonly (readonly Stage[])[] = [['nginx', 'instance'], ['backend'], ['redis']]
  for (const step of together) {
    const inStep = step.flatMap((stage) => names.filter((name) => stageOf(name) === stage))
    await Promise.all(inStep.map((name) => stop(files, name, options)))
  }
}

/**
 * stop ends one process: a signal, then, when it does not follow, SIGKILL to all its process group.
 */
export const stop = async (files: RunFiles, name: string, options: StopOptions): Promise<void> => {
  const found = find(files, name)
  if (found.kind !== 'running') {
    cleaned(files, name)
    return
  }
  const began = Date.now()
  const stage = stageOf(name)
  const { pid } = found
  // Nginx drains on QUIT. A Backend may hide behind a shell or npx, so all its group is told.
  signal(stage === 'backend' ? -pid : pid, stage === 'nginx' ? 'SIGQUIT' : 'SIGTERM')
  const drains = stage === 'instance' || stage === 'nginx'
  const graceMs = drains ? Math.max(killAfterMs, options.drainMs + 2_000) : killAfterMs
  const gone = await isGoneWithin(pid, graceMs)
  // Our process led this group; what is left of it are its own children.
  if (!gone || stage === 'backend') signal(-pid, 'SIGKILL')
  if (!gone) await isGoneWithin(pid, killAfterMs)
  forget(files, name)
  const how = gone ? 'stopped' : `killed: it did not end within ${seconds(graceMs)}`
  say(`  ${name.padEnd(14)} ${how} (pid ${pid}, ${seconds(Date.now() - began)})`)
}

/** cleaned removes the pid file of a process that is gone, says so, and tells whether it did. */
export const cleaned = (files: RunFiles, name: string): boolean => {
  const found = find(files, name)
  if (found.kind === 'running') return false
  if (found.kind === 'stale')
    say(`  ${name.padEnd(14)} was not running: removed its old pid file (pid ${found.pid})`)
  forget(files, name)
  return true
}

/** endProcess ends one process that keeps nothing: SIGTERM, then SIGKILL. */
export const endProcess = async (pid: number): Promise<void> => {
  signal(pid, 'SIGTERM')
  if (await isGoneWithin(pid, killAfterMs)) return
  signal(pid, 'SIGKILL')
  await isGoneWithin(pid, killAfterMs)
}

const isGoneWithin = async (pid: number, limitMs: number): Promise<boolean> => {
  const birth = birthOf(pid)
  const end = Date.now() + limitMs
  while (birth !== undefined && birthOf(pid) === birth) {
    if (Date.now() > end) return false
    await wait(pollMs)
  }
  return true
}

const signal = (pid: number, name: NodeJS.Signals): void => {
  try {
    process.kill(pid, name)
  } catch (error) {
    // ESRCH: it ended between the look and the signal.
    if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error
  }
}
