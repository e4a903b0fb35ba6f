import { fixtureScript } from './paths.js'
import { freePorts } from './ports.js'
import { run } from './running.js'
import type { Running } from './running.js'
import { until } from './until.js'

/** MortalEndpoint is the conformance fixture at a port that it keeps, however often it dies. */
export interface MortalEndpoint {
  readonly url: string
  /** Ends it without warning; it forgets all that it knew. */
  kill(): Promise<void>
  /** Resolves once it listens. */
  start(): Promise<void>
  close(): Promise<void>
}

/** openMortalEndpoint starts the fixture in one of its ways of speaking Streamable HTTP, or as `sse`. */
export const openMortalEndpoint = async (kind: string): Promise<MortalEndpoint> => {
  const port = await freePorts(1)
  let process: Running | undefined
  const start = async (): Promise<void> => {
    const args = ['--kind', kind, '--port', String(port)]
    const starting = run([fixtureScript('conformance/main'), ...args])
    process = starting
    await until(`the fixture ${kind} to listen`, () => {
      if (starting.hasEnded()) throw new Error(starting.output())
      return starting.output().includes('"url"')
    })
  }
  await start()
  return {
    url: `http://127.0.0.1:${port}/${kind === 'sse' ? 'sse' : 'mcp'}`,
    async kill() {
      process?.kill('SIGKILL')
      await process?.ended
    },
    start,
    close: async () => process?.stop(),
  }
}
