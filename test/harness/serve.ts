import { run, said } from '@mcp-router/testkit/process'
import type { Running } from '@mcp-router/testkit/process'
import { cli } from './paths.js'

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
  const ready = (): string | undefined =>
    lines().find(({ message }) => message === 'ready')?.['address'] as string | undefined
  const url = await said(process, 'mcp-router serve to be ready', ready)
  return { url, process, lines }
}
