import { chmodSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { build } from 'esbuild'
import type { Plugin } from 'esbuild'
import { builds, bundles } from './paths.js'

// What CommonJS packages expect around them.
const banner = `import { createRequire as __createRequire } from 'node:module'
const require = __createRequire(import.meta.url)
`

/**
 * setup bundles what cluster tests start hundreds of times: node loads one file in half the CPU time of the thousand that it is made of. The
 * bundles are deleted at the end of the run. Tests of the scripts and of `serve` run the builds themselves.
 */
export const setup = async (): Promise<(() => void) | undefined> => {
  // Each project of a run asks for them.
  if (process.env[bundles] !== undefined) return undefined
  const folder = mkdtempSync(join(tmpdir(), 'mcp-test-bundles-'))
  await build({
    entryPoints: builds,
    outdir: folder,
    bundle: true,
    // `serve` stays a file of its own, which the other commands do not load.
    splitting: true,
    format: 'esm',
    outExtension: { '.js': '.mjs' },
    platform: 'node',
    target: 'node20',
    banner: { js: banner },
    plugins: [addresses(pathToFileURL(join(folder, 'cli.mjs')).href)],
    logLevel: 'error',
  })
  // For tests that start a program as another user.
  chmodSync(folder, 0o755)
  process.env[bundles] = folder
  return () => rmSync(folder, { recursive: true, force: true })
}

const ours = /\/(packages\/[a-z-]+|server-everything)\/dist\/.*\.js$/

/** A module finds the files beside it where it was built; only the command line that it starts is the bundle at `main`. */
const addresses = (main: string): Plugin => ({
  name: 'addresses',
  setup: (bundling) =>
    bundling.onLoad({ filter: ours }, ({ path }) => ({
      contents: readFileSync(path, 'utf8')
        .replace(
          /new URL\('[./]+main\.js', import\.meta\.url\)/,
          `new URL(${JSON.stringify(main)})`,
        )
        .replaceAll('import.meta.url', JSON.stringify(pathToFileURL(path).href)),
      loader: 'js',
    })),
})
