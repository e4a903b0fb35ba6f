import { defineConfig } from 'vitest/config'

/** The checks of memory and load, which `npm run bench` runs and `npm test` does not. */
export default defineConfig({
  test: {
    include: ['test/load/checks/*.test.ts'],
    exclude: ['**/node_modules/**', '**/dist/**'],
    fileParallelism: false,
    testTimeout: 60_000,
    hookTimeout: 120_000,
  },
})
