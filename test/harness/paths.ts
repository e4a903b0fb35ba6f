import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url))

/** The programs that the proofs run, all of them builds. */
export const cli = here('../../packages/cli/dist/main.js')
export const exampleServer = here('../../packages/example-server/dist/main.js')
export const everything = createRequire(import.meta.url).resolve(
  '@modelcontextprotocol/server-everything/dist/index.js',
)

/** fixtureScript is the build of a script in test/fixtures. */
export const fixtureScript = (name: string): string => here(`../fixtures/dist/${name}.js`)
