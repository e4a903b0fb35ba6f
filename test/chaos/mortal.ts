import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { closeSync, mkdirSync, openSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { inherited, isAlive, processAt, treeOf } from '@mcp-router/testkit/process'
import type { Process } from '@mcp-router/testkit/process'
import { until } from '@mcp-router/testkit/wait'

/** MortalSpec is what to start, and how it is seen to work. */
export interface MortalSpec {
  readonly name: string
  readonly command: string
  readonly args: readonly string[]
  readonly env?: Readonly<Record<string, string>>
  readonly isReady: () => Promise<boolean>
}

/** Mortal is a process that keeps its name and port, however often it dies. */
export interface Mortal {
  readonly name: string
  /** 0: it does not run. */
  pid(): number
  /** `up`: it runs and was seen to work, and nobody holds it. */
  state(): 'up' | 'down' | 'stopped' | 'starting' | 'ending'
  /** Starts it and resolves once it works. */
  start(): Promise<void>
  /** SIGKILL; resolves once it is gone. */
  kill(): Promise<void>
  /** SIGTERM; resolves once it is gone, and kills it after `limitMs`, of which it tells. */
  term(limitMs: number): Promise<'ended' | 'killed'>
  /** SIGSTOP. */
  freeze(): void
  /** SIGCONT. */
  thaw(): void
  signal(name: NodeJS.Signals): void
}

/** Mortals keeps track of the processes of a run. */
export interface Mortals {
  add(spec: MortalSpec): Mortal
  /** Ends all of them, the youngest first, and whatever else of this run is left. It tells what had to be killed. */
  close(): Promise<readonly string[]>
}

const readyMs = 30_000
const closeMs = 10_000

/** openMortals keeps the output of the processes in `logDir`. `mark` is a text that every command line of theirs holds, children included. */
export const openMortals = (logDir: string, mark: string): Mortals => {
  mkdirSync(logDir, { recursive: true })
  const all: Mortal[] = []
  const ending = new AbortController()
  return {
    add(spec) {
      const mortal = mortalOf(spec, join(logDir, `${spec.name}.out`), ending.signal)
      all.push(mortal)
      return mortal
    },
    async close() {
      ending.abort()
      const complaints: string[] = []
      const pids = all.map((mortal) => mortal.pid()).filter((pid) => pid > 0)
      const before = treeOf(pids)
      for (const mortal of all.toReversed()) {
        mortal.thaw()
        if ((await mortal.term(closeMs)) === 'killed')
          complaints.push(`${mortal.name} did not end within ${closeMs} ms`)
      }
      // Children whose parent was killed are in nobody's tree; their command lines tell them.
      const left = (): readonly Process[] => [
        ...before.filter(isAlive),
        ...allProcesses().filter(({ command }) => command.includes(mark)),
      ]
      await until('the end of what was started', () => left().length === 0, closeMs).catch(() => {
        for (const process of left()) {
          complaints.push(`left behind: ${process.pid} ${process.command}`)
          killPid(process.pid)
        }
      })
      return complaints
    },
  }
}

const mortalOf = (spec: MortalSpec, logFile: string, ending: AbortSignal): Mortal => {
  let child: ChildProcess | undefined
  let gone = Promise.resolve()
  let state: ReturnType<Mortal['state']> = 'down'
  const runs = (): boolean => child !== undefined
  const signal = (name: NodeJS.Signals): void => {
    if (runs()) child?.kill(name)
  }
  const start = async (): Promise<void> => {
    ending.throwIfAborted()
    if (runs()) throw new Error(`${spec.name} runs already`)
    state = 'starting'
    const log = openSync(logFile, 'a')
    const started = spawn(spec.command, spec.args, {
      // So that variables of the shell change no result.
      env: { ...inherited(), ...spec.env },
      stdio: ['ignore', log, log],
      // A group of its own: Ctrl-C is for the harness, which ends the rest in order.
      detached: true,
    })
    closeSync(log)
    child = started
    gone = new Promise((resolve) => {
      const over = (): void => {
        if (child === started) child = undefined
        state = 'down'
        resolve()
      }
      started.once('exit', over)
      started.once('error', over)
    })
    await until(
      `${spec.name} to work (${logFile})`,
      async () => !runs() || child !== started || spec.isReady(),
      readyMs,
    )
    if (child !== started) throw new Error(`${spec.name} ended at once (${logFile})`)
    state = 'up'
  }
  return {
    name: spec.name,
    pid: () => child?.pid ?? 0,
    state: () => state,
    start,
    async kill() {
      signal('SIGKILL')
      await gone
    },
    async term(limitMs) {
      if (!runs()) return 'ended'
      state = 'ending'
      let how: 'ended' | 'killed' = 'ended'
      const late = setTimeout(() => {
        how = 'killed'
        signal('SIGKILL')
      }, limitMs)
      signal('SIGTERM')
      await gone
      clearTimeout(late)
      return how
    },
    freeze() {
      signal('SIGSTOP')
      state = 'stopped'
    },
    thaw() {
      signal('SIGCONT')
      if (state === 'stopped') state = 'up'
    },
    signal,
  }
}

const allProcesses = (): readonly Process[] =>
  readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => processAt(Number(name)) ?? [])

const killPid = (pid: number): void => {
  try {
    process.kill(pid, 'SIGKILL')
  } catch {
    // It has just ended by itself.
  }
}
