import { defineConfig } from 'vitest/config'

// Two projects: `unit` reads the sources of the packages; `cluster` drives real processes that run the build in dist/. Only `unit` has
// the condition `source`, which node would also follow into packages of others (eventsource, of the SDK's SSE client, has one).
export default defineConfig({
  test: {
    testTimeout: 15_000,
    hookTimeout: 60_000,
    coverage: {
      include: ['packages/*/src/**/*.ts'],
      exclude: ['**/*.{test,contract}.ts', '**/testing/**'],
      reporter: ['text-summary', 'html'],
    },
    projects: [
      {
        extends: true,
        resolve: { conditions: ['source'] },
        ssr: { resolve: { conditions: ['source'] } },
        test: {
          name: 'unit',
          include: ['packages/*/src/**/*.test.ts', 'test/{architecture,docs}/*.test.ts'],
          // They wait more than they compute, and nothing in a module outlives its test: a worker imports each module once.
          isolate: false,
          maxWorkers: 6,
          sequence: { groupOrder: 0 },
        },
      },
      {
        extends: true,
        test: {
          name: 'cluster',
          include: ['test/**/*.test.ts'],
          exclude: ['**/node_modules/**', '**/dist/**', 'test/{architecture,docs}/**'],
          fileParallelism: false,
          sequence: { groupOrder: 1 },
          testTimeout: 60_000,
          hookTimeout: 120_000,
        },
      },
    ],
  },
})
