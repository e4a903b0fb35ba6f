import { freePorts, run, said } from '@mcp-router/testkit/process'
import type { Running } from '@mcp-router/testkit/process'

/** MortalProgram listens at a port that it keeps, however often it dies. */
export interface MortalProgram {
  readonly port: number
  pid(): number
  /** Ends it without warning; it forgets all that it knew. */
  kill(): Promise<void>
  /** Resolves once it listens. */
  start(): Promise<void>
  close(): Promise<void>
}

interface Program {
  readonly name: string
  args(port: number): readonly string[]
  /** What it writes once it listens. */
  readonly listens: string
  readonly cwd?: string
}

/** openMortalProgram starts a program of node. */
export const openMortalProgram = async (program: Program): Promise<MortalProgram> => {
  const { name, listens, cwd } = program
  const port = await freePorts(1)
  let running: Running | undefined
  const start = async (): Promise<void> => {
    running = run(program.args(port), {}, { cwd })
    await said(running, `${name} to listen`, (text) => text.includes(listens) || undefined)
  }
  await start()
  return {
    port,
    pid: () => running?.pid ?? 0,
    async kill() {
      running?.kill('SIGKILL')
      await running?.ended
    },
    start,
    close: async () => running?.stop(),
  }
}
