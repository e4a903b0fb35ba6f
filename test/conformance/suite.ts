import { spawn } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { inherited } from '@mcp-router/testkit/process'
import { suiteProgram } from './program.js'
import type { SuiteVersion } from './program.js'
import { readResults } from './results.js'
import type { SuiteResults } from './results.js'

/** Revision is a revision of MCP that the suite speaks. */
export type Revision = '2025-03-26' | '2025-06-18' | '2025-11-25' | '2026-07-28'

/** SuiteRun is one run of the official suite against a server. */
export interface SuiteRun {
  readonly url: string
  readonly version: SuiteVersion
  /** What is run: all that a revision requires, or a suite, of which a revision may take its part. */
  readonly scope:
    | { readonly requirements: '2025-11-25' | '2026-07-28' }
    | { readonly suite: 'active' | 'all'; readonly revision?: Revision }
}

const limitMs = 300_000

/** runSuite runs the suite as a process of its own, and resolves with what it found, failures among it. */
export const runSuite = async ({ url, version, scope }: SuiteRun): Promise<SuiteResults> => {
  const folder = await mkdtemp(join(tmpdir(), 'conformance-'))
  try {
    const [program, entry] = suiteProgram(version)
    const args = [entry, 'server', '--url', url, '--output-dir', folder, ...scopeArgs(scope)]
    return await readResults(await outputOf(program, args), folder)
  } finally {
    await rm(folder, { recursive: true })
  }
}

const scopeArgs = (scope: SuiteRun['scope']): readonly string[] => {
  if ('requirements' in scope) return ['--requirements', scope.requirements]
  const { suite, revision } = scope
  return ['--suite', suite, ...(revision === undefined ? [] : ['--spec-version', revision])]
}

/** The exit code says no more than the summary. */
const outputOf = (program: string, args: readonly string[]): Promise<string> =>
  new Promise((resolve, reject) => {
    const child = spawn(program, args, {
      env: inherited(),
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: limitMs,
    })
    let output = ''
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding('utf8').on('data', (text: string) => (output += text))
    child.once('error', reject)
    child.once('close', () => resolve(output))
  })
