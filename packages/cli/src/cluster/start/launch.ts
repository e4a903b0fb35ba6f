import type { Env } from '@mcp-router/config'
import { reasonOf } from '@mcp-router/core'
import { spawn } from 'node:child_process'
import { closeSync, openSync } from 'node:fs'
import { setTimeout as wait } from 'node:timers/promises'
import { findBinary } from '../../binary.js'
import { record } from '../run/pid-file.js'
import type { ClusterProcess } from '../run/process.js'
import type { RunFiles } from '../run/run-files.js'
import { recordSettings } from '../restart/settings.js'
import { sizeOf } from '../status/tail.js'

const limitMs = 60_000
const pollMs = 50

/** Launchable is what is needed to start a process. */
export type Launchable = Pick<
  ClusterProcess,
  | 'name'
  | 'command'
  | 'args'
  | 'cwd'
  | 'env'
  | 'privateEnv'
  | 'settings'
  | 'serverPorts'
  | 'runAs'
  | 'prepare'
>

/** Launched is a process that was started by this run. */
export interface Launched {
  /** Undefined: it could not be spawned. */
  readonly pid: number | undefined
  /** The size of its log before it. */
  readonly logFrom: number
  /** How it ended; undefined: it lives. */
  ended(): string | undefined
}

/** launch starts a process that outlives this one, its output appended to its log. */
export const launch = (process: Launchable, files: RunFiles): Launched => {
  process.prepare()
  const logFrom = sizeOf(files.log(process.name))
  const log = openSync(files.log(process.name), 'a', 0o600)
  let end: string | undefined
  const child = spawn(commandOf(process.command, process.env), process.args, {
    cwd: process.cwd,
    env: process.env,
    stdio: [process.privateEnv ? 'pipe' : 'ignore', log, log],
    // A process group of its own: what it starts can be ended with it, and Ctrl-C here does not
    // reach it.
    detached: true,
    ...(process.runAs && { uid: process.runAs.uid, gid: process.runAs.gid }),
  })
  closeSync(log)
  child.once('error', (error) => {
    end = `could not be started: ${reasonOf(error)}`
  })
  child.once('exit', (code, signal) => {
    end = signal === null ? `exited with code ${code ?? 0}` : `was ended by ${signal}`
  })
  // Small enough for the buffer of the pipe: it is written at once. Its exit tells if it fails.
  child.stdin?.on('error', () => undefined).end(JSON.stringify(process.privateEnv))
  child.unref()
  if (child.pid !== undefined) record(files, process.name, child.pid)
  if (process.settings !== undefined) recordSettings(files, process.name, process)
  return { pid: child.pid, logFrom, ended: () => end }
}

const commandOf = (command: string, env: Env): string => findBinary(command, env) ?? command

/**
 * ready resolves when the process is healthy, with why not when it ended or took too long, and
 * rejects when told to stop.
 */
export const ready = async (
  launched: Launched,
  process: ClusterProcess,
  signal: AbortSignal,
): Promise<string | undefined> => {
  const end = Date.now() + limitMs
  let last: string | undefined
  while (Date.now() < end) {
    // Looked at first: who ended must not pass for healthy because another answers on its port.
    const ended = launched.ended()
    if (ended !== undefined) return ended
    last = await process.health()
    if (last === undefined && launched.ended() === undefined) return undefined
    await wait(pollMs, undefined, { signal })
  }
  return `is not ready after ${limitMs / 1000} s: ${last ?? ''}`
}
