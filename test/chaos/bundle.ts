import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'vite'

const source = fileURLToPath(new URL('fixture/main.js', import.meta.url))

/**
 * bundleFixture puts the fixture and what it imports into a few files, and resolves with the one to run: where a kill costs a dozen children at
 * once, what is measured should be how soon the router is back, not how soon Node has found three hundred modules.
 */
export const bundleFixture = async (folder: string): Promise<string> => {
  await build({
    configFile: false,
    logLevel: 'error',
    build: {
      ssr: source,
      outDir: folder,
      emptyOutDir: true,
      target: 'node20',
      minify: false,
      rollupOptions: {
        output: { entryFileNames: 'main.mjs', chunkFileNames: '[name]-[hash].mjs' },
      },
    },
    ssr: { noExternal: true },
  })
  return join(folder, 'main.mjs')
}
