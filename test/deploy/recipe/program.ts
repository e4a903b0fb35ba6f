import { spawn } from 'node:child_process'
import { inherited } from '@mcp-router/testkit/process'
import type { Running } from '@mcp-router/testkit/process'

interface ProgramOptions {
  readonly env?: Readonly<Record<string, string>>
  readonly cwd?: string
}

/** startProgram runs any command with a small environment; who starts it also stops it. */
export const startProgram = (
  command: string,
  args: readonly string[] = [],
  { env = {}, cwd }: ProgramOptions = {},
): Running => {
  const child = spawn(command, [...args], {
    env: { ...inherited(), ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
    ...(cwd !== undefined && { cwd }),
  })
  let written = ''
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => (written += text))
  let over = false
  const ended = new Promise<number | NodeJS.Signals>((resolve) => {
    child.once('error', (error) => {
      written += String(error)
      over = true
      resolve(127)
    })
    // Not `close`: a daemon that it left behind may hold the pipes.
    child.once('exit', (code, signal) => {
      over = true
      resolve(signal ?? code ?? 0)
    })
  })
  return {
    pid: child.pid ?? 0,
    output: () => written,
    ended,
    hasEnded: () => over,
    kill: (signal = 'SIGKILL') => void child.kill(signal),
    async stop() {
      if (over) return
      child.kill('SIGTERM')
      const kill = setTimeout(() => child.kill('SIGKILL'), 15_000)
      await ended
      clearTimeout(kill)
    },
  }
}

/** runProgram runs a command to its end, which must be exit 0, and resolves with what it wrote. */
export const runProgram = async (
  command: string,
  args: readonly string[] = [],
  options: ProgramOptions = {},
): Promise<string> => {
  const program = startProgram(command, args, options)
  const code = await program.ended
  if (code !== 0) throw new Error(`${command} ${args.join(' ')}: exit ${code}\n${program.output()}`)
  return program.output()
}
