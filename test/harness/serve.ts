import type { Running } from './running.js'
import { cli } from './paths.js'
import { run } from './running.js'
import { until } from './until.js'

/** Served is one Instance in the foreground, started as a person would, on any free port. */
export interface Served {
  readonly url: string
  readonly process: Running
  /** What it logged so far, one object per line. */
  lines(): readonly Readonly<Record<string, unknown>>[]
}

/** serve runs `mcp-router serve` and resolves once it is ready. */
export const serve = async (
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<Served> => {
  const process = run([cli, 'serve', '--port', '0', ...args], env)
  const lines = (): readonly Readonly<Record<string, unknown>>[] =>
    process
      .output()
      .split('\n')
      .filter((line) => line.startsWith('{'))
      .map((line) => JSON.parse(line) as Record<string, unknown>)
  const url = await until('mcp-router serve to be ready', () => {
    if (process.hasEnded()) throw new Error(process.output())
    return lines().find(({ message }) => message === 'ready')?.['address'] as string | undefined
  }).catch(async (error: unknown) => {
    await process.stop()
    throw error
  })
  return { url, process, lines }
}
