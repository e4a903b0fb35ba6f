import { AsyncLocalStorage } from 'node:async_hooks'
import { aroundEach, onTestFinished as ofTheOneTest } from 'vitest'
import type { TestContext } from 'vitest'

const running = new AsyncLocalStorage<TestContext>()

/**
 * useConcurrentTests lets tests of a file run at once (`it.concurrent`), each of which closes what it opened itself. It is for tests that wait
 * more than they compute. Where one polls, it takes `expect` from its context: vitest's own does not know which test it is in.
 */
export const useConcurrentTests = (): void =>
  aroundEach((runTest, context) => running.run(context, runTest))

/** onTestFinished is vitest's, also for the tests of useConcurrentTests. */
export const onTestFinished: TestContext['onTestFinished'] = (close, timeout) =>
  (running.getStore()?.onTestFinished ?? ofTheOneTest)(close, timeout)
