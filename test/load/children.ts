import { type ChildProcess, spawn } from 'node:child_process'
import { closeSync, mkdirSync, openSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { inherited } from '@mcp-router/testkit/process'

/** Child is a process that this run started, and therefore ends. */
export interface Child {
  readonly name: string
  readonly pid: number
  readonly process: ChildProcess
  /** Throws, with the end of its log, when the process is gone. */
  assertRunning(): Promise<void>
  /** Waits until `probe` says true. */
  ready(probe: () => Promise<boolean>): Promise<void>
  /** TERM, and KILL after 10 s. */
  stop(): Promise<void>
}

/** ChildSpec is what to start; standard output and error go to `<name>.log` unless `capture`. */
export interface ChildSpec {
  readonly name: string
  readonly command: string
  readonly args: readonly string[]
  readonly env?: Readonly<Record<string, string>>
  readonly ipc?: boolean
}

export interface Children {
  start(spec: ChildSpec): Child
  /** Ends all that still runs, the youngest first. */
  close(): Promise<void>
}

const readyMs = 15_000
const stopMs = 10_000

/** openChildren keeps track of the processes of this run; their output goes to files in `logDir`. */
export const openChildren = (logDir: string): Children => {
  mkdirSync(logDir, { recursive: true })
  const started: Child[] = []
  let closing = false
  return {
    start: (spec) => {
      if (closing) throw new Error(`${spec.name} is not started: the run is ending`)
      const child = startChild(spec, join(logDir, `${spec.name}.out`))
      started.push(child)
      return child
    },
    close: async () => {
      closing = true
      for (const child of started.toReversed()) await child.stop()
    },
  }
}

const startChild = (spec: ChildSpec, logFile: string): Child => {
  const log = openSync(logFile, 'w')
  const child = spawn(spec.command, spec.args, {
    // So that an ACCESS_TOKEN of the shell changes no figure.
    env: { ...inherited(), ...spec.env },
    stdio: ['ignore', log, log, ...(spec.ipc ? (['ipc'] as const) : [])],
  })
  closeSync(log)
  let gone: string | undefined
  const exit = new Promise<void>((resolve) => {
    child.once('error', (error) => {
      gone = error.message
      resolve()
    })
    child.once('exit', (code, signal) => {
      gone = `it ended with ${signal ?? `code ${String(code)}`}`
      resolve()
    })
  })
  const assertRunning = async () => {
    if (gone === undefined) return
    const tail = (await readFile(logFile, 'utf8')).trimEnd().split('\n').slice(-15).join('\n')
    throw new Error(`${spec.name} does not run: ${gone}\n${tail}`)
  }
  return {
    name: spec.name,
    pid: child.pid ?? 0,
    process: child,
    assertRunning,
    ready: async (probe) => {
      const until = Date.now() + readyMs
      while (!(await probe().catch(() => false))) {
        await assertRunning()
        if (Date.now() > until)
          throw new Error(`${spec.name} is not ready after ${readyMs / 1000} s`)
        await sleep(50)
      }
    },
    stop: async () => {
      if (gone !== undefined) return
      child.kill('SIGTERM')
      const kill = setTimeout(() => child.kill('SIGKILL'), stopMs)
      await exit
      clearTimeout(kill)
    },
  }
}
