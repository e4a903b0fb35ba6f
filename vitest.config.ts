import { defineConfig } from 'vitest/config'
import { BaseSequencer } from 'vitest/node'
import type { TestSpecification } from 'vitest/node'

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

/** They judge time, memory or what Redis is asked meanwhile, or have leases that a busy machine would let lapse: one runs at a time. */
const alone = [
  'test/cluster/{answers,away,hostile-servers}.test.ts',
  'test/cluster/{orphan-cost,redis-commands,redis-outage}.test.ts',
  'test/cluster/{session-record,stopped-owner,takeover}.test.ts',
  // The official suite gives an answer of 2026-07-28 600 ms, also where a process has to be started for it.
  'test/conformance/across.test.ts',
]

/** They take longest, ten seconds to forty: begun last, one of them would run on while the other workers have nothing to do. */
const longest =
  /[/](call-log|chaos|flapping|flushall|matrix|mute-command|outage|portable-resume|rolling-restart|routed|sdk-clients|slow|start|store|supervise)[.]test[.]ts$/

/** LongestFirst is for a first run. Later, vitest knows from the one before how long each file took. */
class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files)
    const isLong = ({ moduleId }: TestSpecification): boolean => longest.test(moduleId)
    return [...sorted.filter(isLong), ...sorted.filter((file) => !isLong(file))]
  }
}

const cluster = {
  include: ['test/**/*.test.ts'],
  // Those of test/load/checks are run by `npm run bench`.
  exclude: ['**/node_modules/**', '**/dist/**', 'test/{architecture,docs,load/checks}/**'],
  globalSetup: 'test/harness/bundle.ts',
  testTimeout: 60_000,
  hookTimeout: 120_000,
}

// Two projects, and one each for those: `unit` reads the sources of the packages; `cluster` drives real processes that run the build in dist/. Only `unit` has
// the condition `source`, which node would also follow into packages of others (eventsource, of the SDK's SSE client, has one).
export default defineConfig({
  test: {
    testTimeout: 15_000,
    hookTimeout: 60_000,
    maxConcurrency: 10,
    sequence: { sequencer: LongestFirst },
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
          maxWorkers: 10,
          sequence: { groupOrder: 0 },
        },
      },
      {
        extends: true,
        resolve: { conditions: ['source'] },
        ssr: { resolve: { conditions: ['source'] } },
        test: { name: 'unit-heap', include: heap, maxWorkers: 10, sequence: { groupOrder: 0 } },
      },
      {
        extends: true,
        test: {
          ...cluster,
          name: 'cluster',
          exclude: [...cluster.exclude, ...alone],
          // They wait for processes more than they compute.
          maxWorkers: 3,
          isolate: false,
          sequence: { groupOrder: 1 },
        },
      },
      {
        extends: true,
        test: {
          ...cluster,
          name: 'cluster-alone',
          include: alone,
          fileParallelism: false,
          sequence: { groupOrder: 2 },
        },
      },
    ],
  },
})
