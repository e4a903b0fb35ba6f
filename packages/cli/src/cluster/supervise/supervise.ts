import { reasonOf } from '@mcp-router/core'
import { setTimeout as wait } from 'node:timers/promises'
import { say } from '../../terminal.js'
import type { Cluster } from '../cluster.js'
import { launch, type Launched } from '../start/launch.js'
import { ifUnlocked } from '../run/lock.js'
import { endOrphans } from '../run/orphans.js'
import { find, type Found } from '../run/pid-file.js'
import type { ClusterProcess } from '../run/process.js'
import type { RunFiles } from '../run/run-files.js'
import { isDue, observed, restarted, untouched, type Care } from './care.js'
import { readState, writeState, type SupervisorState } from './state.js'
import { supervisorName } from './supervisor.js'

// Linux looks a process up in /proc; elsewhere each look runs `ps`.
const pollMs = process.platform === 'linux' ? 500 : 3_000

/**
 * supervise starts again what died, with exponential back-off, until it is no longer the supervisor
 * of its run directory. It never acts while a command holds the lock, and leaves alone what has no
 * pid file, because `stop` and `restart` remove it.
 */
export const supervise = async (cluster: Cluster, signal: AbortSignal): Promise<void> => {
  const { files, processes } = cluster
  const cares = new Map(Object.entries(readState(files)?.processes ?? {}))
  const launched = new Map<string, Launched>()
  let written = ''
  while (!signal.aborted && isSupervisor(cluster)) {
    for (const each of processes) {
      const care = cares.get(each.name) ?? untouched
      cares.set(each.name, careFor(cluster, each, care, launched))
    }
    const state = { pid: process.pid, processes: Object.fromEntries(cares) }
    const text = JSON.stringify(state)
    if (text !== written) written = keep(files, state) ? text : ''
    await wait(pollMs, undefined, { signal }).catch(() => undefined)
  }
}

/** keep tells whether the state could be written; without it, only `status` knows less. */
const keep = (files: RunFiles, state: SupervisorState): boolean => {
  try {
    writeState(files, state)
    return true
  } catch {
    return false
  }
}

/** A successor has its own pid in the file; a run directory that was removed has no file. */
const isSupervisor = ({ files }: Cluster): boolean => {
  const found = find(files, supervisorName)
  return found.kind === 'running' && found.pid === process.pid
}

const careFor = (
  cluster: Cluster,
  one: ClusterProcess,
  before: Care,
  launched: Map<string, Launched>,
): Care => {
  const { files } = cluster
  const { name } = one
  const found = settled(files, name)
  if (found === undefined) return before
  const last = launched.get(name)
  // How it ended is known of its parent alone.
  const how = last?.pid === before.pid ? last?.ended() : undefined
  const care = observed(before, found, Date.now(), how)
  if (found.kind === 'stale' && before.nextTryAt === undefined) logExit(name, found.pid, care)
  if (!isDue(care, Date.now())) return care
  const outcome = ifUnlocked(files, () => restart(files, one))
  if (outcome === undefined) return care
  if ('failed' in outcome) {
    log('process.failed', { process: name, reason: outcome.failed, failures: care.failures })
    return restarted(care, undefined, Date.now())
  }
  launched.set(name, outcome)
  log('process.restarted', { process: name, pid: outcome.pid, restarts: care.restarts + 1 })
  return restarted(care, outcome.pid, Date.now())
}

/**
 * settled is what the pid file leads to. Undefined: a process has ended while a command works, which
 * may be about to remove the pid file of what it has just ended.
 */
const settled = (files: RunFiles, name: string): Found | undefined => {
  const found = find(files, name)
  return found.kind === 'stale' ? ifUnlocked(files, () => find(files, name)) : found
}

const restart = (
  files: RunFiles,
  one: ClusterProcess,
): Launched | { readonly failed: string } | undefined => {
  // A command may have removed or replaced it since.
  if (find(files, one.name).kind !== 'stale') return undefined
  try {
    endOrphans(files, one)
    return launch(one, files)
  } catch (error) {
    // A full disk, say. It must not end the care for the others.
    return { failed: reasonOf(error) }
  }
}

const logExit = (name: string, pid: number, { lastExit, failures, nextTryAt = 0 }: Care): void =>
  log('process.exited', {
    process: name,
    pid,
    ...(lastExit?.how !== undefined && { how: lastExit.how }),
    failures,
    nextTryMs: Math.max(0, nextTryAt - Date.now()),
  })

/** log writes one line to logs/supervisor.log, in the form of the lines of an Instance. */
const log = (message: string, fields: Readonly<Record<string, unknown>>): void =>
  say(
    JSON.stringify({
      timestamp: new Date().toISOString(),
      level: 'warn',
      message,
      instance: supervisorName,
      ...fields,
    }),
  )
