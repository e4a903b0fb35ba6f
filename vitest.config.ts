import { defineConfig } from 'vitest/config'

/** They judge the heap, and must find it as a process of their own has it. */
const heap = [
  'packages/gateway/src/trim.test.ts',
  'packages/protocol/src/chunk-collector.test.ts',
  'packages/protocol/src/sse.test.ts',
  'packages/router/src/outlet/answer-body.test.ts',
  'packages/router/src/http/body.test.ts',
  'packages/upstream/src/http/small-chunks.test.ts',
  'packages/upstream/src/stdio/lines.test.ts',
]

/** ms */
const slow = { testTimeout: 60_000, hookTimeout: 120_000 }

/** They wait for processes more than they compute, and judge no time and no load: two run at once. */
const pairs = [
  'test/cluster/{start,start-settings,stop,supervise,left-out,other-redis,serve-command}.test.ts',
  'test/cluster/{secrets,cluster-secret,explain,reload,script-help,session-names}.test.ts',
  'test/cluster/{all-lost,away,poison}.test.ts',
  'test/conformance/*.test.ts',
  'test/matrix/*.test.ts',
]

// Two projects, and one each for those: `unit` reads the sources of the packages; `cluster` drives real processes that run the build in dist/. Only `unit` has
// the condition `source`, which node would also follow into packages of others (eventsource, of the SDK's SSE client, has one).
export default defineConfig({
  test: {
    testTimeout: 15_000,
    hookTimeout: 60_000,
    coverage: {
      include: ['packages/*/src/**/*.ts'],
      exclude: ['**/*.{test,contract,fixture}.ts', 'packages/testkit/**'],
      reporter: ['text-summary', 'html'],
    },
    projects: [
      {
        extends: true,
        resolve: { conditions: ['source'] },
        ssr: { resolve: { conditions: ['source'] } },
        test: {
          name: 'unit',
          exclude: ['**/node_modules/**', '**/dist/**', ...heap],
          include: ['packages/*/src/**/*.test.ts', 'test/{architecture,docs}/*.test.ts'],
          // They wait more than they compute, and nothing in a module outlives its test: a worker imports each module once.
          isolate: false,
          maxWorkers: 6,
          sequence: { groupOrder: 0 },
        },
      },
      {
        extends: true,
        resolve: { conditions: ['source'] },
        ssr: { resolve: { conditions: ['source'] } },
        test: { name: 'unit-heap', include: heap, maxWorkers: 6, sequence: { groupOrder: 0 } },
      },
      {
        extends: true,
        test: {
          name: 'cluster',
          include: ['test/**/*.test.ts'],
          exclude: ['**/node_modules/**', '**/dist/**', 'test/{architecture,docs}/**', ...pairs],
          fileParallelism: false,
          sequence: { groupOrder: 1 },
          ...slow,
        },
      },
      {
        extends: true,
        test: {
          name: 'cluster-pairs',
          include: pairs,
          exclude: ['**/node_modules/**', '**/dist/**'],
          maxWorkers: 2,
          sequence: { groupOrder: 2 },
          ...slow,
        },
      },
    ],
  },
})
