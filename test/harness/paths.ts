import { createRequire } from 'node:module'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url))

/** The programs that the proofs run, as they were built. */
export const builds = {
  cli: here('../../packages/cli/dist/main.js'),
  exampleServer: here('../../packages/example-server/dist/main.js'),
  everything: createRequire(import.meta.url).resolve(
    '@modelcontextprotocol/server-everything/dist/index.js',
  ),
  stateless: here('../fixtures/dist/stateless.js'),
  conformance: here('../fixtures/dist/conformance/main.js'),
} as const

/** bundles names the folder where `bundle.ts` has made one file of each. */
export const bundles = 'MCP_TEST_BUNDLES'

const program = (name: keyof typeof builds): string => {
  const folder = process.env[bundles]
  return folder === undefined ? builds[name] : join(folder, `${name}.mjs`)
}

export const cli = program('cli')
export const exampleServer = program('exampleServer')
export const everything = program('everything')

/** fixtureScript is the build of a script in test/fixtures. */
export const fixtureScript = (name: string): string => {
  if (name === 'stateless') return program('stateless')
  return name === 'conformance/main' ? program('conformance') : here(`../fixtures/dist/${name}.js`)
}
