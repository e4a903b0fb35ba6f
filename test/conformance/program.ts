import { createRequire } from 'node:module'

const require = createRequire(import.meta.url)

/** The lines of the official suite: what it checks today, and the stable release before. */
const entries = {
  '0.2': '@modelcontextprotocol/conformance/dist/index.js',
  '0.1': '@modelcontextprotocol/conformance-0.1/dist/index.js',
} as const
export type SuiteVersion = keyof typeof entries

const neededMajor = 22

/** The suite needs a newer node than the rest: ours, if it is one, else the binary that a package of npm brings along. */
const node = (): string => {
  if (parseInt(process.versions.node) >= neededMajor) return process.execPath
  return require.resolve(`node-${process.platform}-${process.arch}/bin/node`)
}

/** suiteProgram is how to start the suite: a program and its first argument. */
export const suiteProgram = (version: SuiteVersion): readonly [string, string] => [
  node(),
  require.resolve(entries[version]),
]
