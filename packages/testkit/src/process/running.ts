import { spawn } from 'node:child_process'
import type { Readable } from 'node:stream'
import { until } from '../wait/until.js'

/** Running is a process that a test started, and therefore ends. */
export interface Running {
  readonly pid: number
  /** All that it wrote so far, standard output and error. */
  output(): string
  /** Resolves with the exit code, or the name of the signal that ended it. */
  readonly ended: Promise<number | NodeJS.Signals>
  hasEnded(): boolean
  kill(signal?: NodeJS.Signals): void
  /** SIGTERM, and SIGKILL after 10 s; resolves once it is gone. */
  stop(): Promise<void>
}

const killAfterMs = 10_000

export interface RunOptions {
  readonly cwd?: string | undefined
  /** The user and the group that it runs as. */
  readonly uid?: number | undefined
}

/** run starts a program of node with a small environment, so that variables of the caller's shell change no result. */
export const run = (
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
  { cwd, uid }: RunOptions = {},
): Running => {
  const child = spawn(process.execPath, [...args], {
    env: { ...inherited(), ...env },
    // The input closes with this process, however it ends: fixtures leave then.
    stdio: ['pipe', 'pipe', 'pipe'],
    ...(cwd !== undefined && { cwd }),
    ...(uid !== undefined && { uid, gid: uid }),
  })
  let written = ''
  const listen = (stream: Readable): void => {
    stream.setEncoding('utf8').on('data', (text: string) => (written += text))
  }
  listen(child.stdout)
  listen(child.stderr)
  const ended = new Promise<number | NodeJS.Signals>((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (code, signal) => resolve(signal ?? code ?? 0))
  })
  let over = false
  ended.then(
    () => (over = true),
    () => (over = true),
  )
  return {
    pid: child.pid ?? 0,
    output: () => written,
    ended,
    hasEnded: () => over,
    kill: (signal = 'SIGKILL') => void child.kill(signal),
    async stop() {
      if (over) return
      child.kill('SIGTERM')
      const kill = setTimeout(() => child.kill('SIGKILL'), killAfterMs)
      await ended
      clearTimeout(kill)
    },
  }
}

/** said waits for `what` a program writes once it works. One that ends before, or is too slow, is stopped, and what it wrote is the error. */
export const said = async <T>(
  program: Running,
  what: string,
  find: (output: string) => T | undefined,
): Promise<T> => {
  let found: T | undefined
  const isOver = (): boolean => {
    found = find(program.output())
    return found !== undefined || program.hasEnded()
  }
  await until(what, isOver).catch(() => undefined)
  if (found !== undefined) return found
  await program.stop()
  throw new Error(`waited for ${what}, but: ${program.output()}`)
}

/** inherited is what a program needs of this environment. */
export const inherited = (): Record<string, string> =>
  Object.fromEntries(
    ['PATH', 'HOME', 'USER', 'TMPDIR', 'LANG'].flatMap((name) => {
      const value = process.env[name]
      return value === undefined ? [] : [[name, value]]
    }),
  )
