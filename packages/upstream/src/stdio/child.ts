import { spawn } from 'node:child_process'
import type { ChildProcessByStdio } from 'node:child_process'
import type { Readable, Writable } from 'node:stream'
import { childEnvironment, identityOf } from '@mcp-router/core'
import type { StdioEndpoint } from '@mcp-router/core'
import { forgetChild, recordChild } from './records.js'

export type Child = ChildProcessByStdio<Writable, Readable, Readable>

/** spawnChild starts a command in its own process group, so that what it starts can be ended with it. `base` is the environment that is filtered. */
export const spawnChild = (
  endpoint: StdioEndpoint,
  base: Readonly<Record<string, string | undefined>>,
): Child => {
  const { command, args, cwd, env, runAs } = endpoint
  const child = spawn(command, [...args], {
    cwd,
    env: { ...childEnvironment(base), ...(runAs && identityOf(runAs)), ...env },
    // Node drops the other groups of root, too.
    ...(runAs && { uid: runAs.uid, gid: runAs.gid }),
    detached: true,
    stdio: ['pipe', 'pipe', 'pipe'],
  })
  if (living.size === 0) process.once('exit', endLiving)
  living.add(child)
  recordChild(child.pid)
  const over = (): void => {
    living.delete(child)
    forgetChild(child.pid)
    if (living.size === 0) process.off('exit', endLiving)
  }
  child.once('close', over)
  // For want of descriptors there is no close.
  if (child.pid === undefined) child.once('error', over)
  return child
}

/** Those that no process may leave behind, however it ends. */
const living = new Set<Child>()
const endLiving = (): void => {
  for (const child of living) signalGroup(child, 'SIGKILL')
}

/** How long a child has to leave after its input closed, and then after SIGTERM, ms (spec 2025-06-18, lifecycle: shutdown). */
const graceMs = 2_000

/** endChild closes the input, then ends the whole process group: SIGTERM, then SIGKILL. It resolves when the child is gone. */
export const endChild = async (child: Child): Promise<void> => {
  const gone = new Promise<void>((resolve) => {
    if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) resolve()
    else child.once('exit', () => resolve())
  })
  child.stdin.end()
  if (!(await within(gone, graceMs))) signalGroup(child, 'SIGTERM')
  if (!(await within(gone, graceMs))) signalGroup(child, 'SIGKILL')
  await gone
  // A wrapper such as npx may be gone while what it started still runs in its group.
  signalGroup(child, 'SIGKILL')
}

const signalGroup = (child: Child, signal: NodeJS.Signals): void => {
  if (child.pid === undefined) return
  try {
    process.kill(-child.pid, signal)
  } catch {
    // ESRCH: nobody is left in the group
  }
}

const within = async (done: Promise<void>, ms: number): Promise<boolean> => {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<false>((resolve) => {
    timer = setTimeout(() => resolve(false), ms)
  })
  const result = await Promise.race([done.then(() => true as const), late])
  clearTimeout(timer)
  return result
}
