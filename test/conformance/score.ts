import { expect } from 'vitest'
import { countChecks, failedScenarios, tellFailures } from './results.js'
import type { SuiteResults } from './results.js'
import type { Row } from './rows.js'

/** expectScore holds the results of a run against its row, check by check. */
export const expectScore = (results: SuiteResults, row: Row): void => {
  const { scored, succeeded, failed = [], warned = 0 } = row
  expect(failedScenarios(results), tellFailures(results)).toEqual(failed)
  const counted = [...results.values()].filter(({ isScored }) => isScored)
  expect(counted).toHaveLength(scored)
  expect(countChecks(results, 'SUCCESS')).toBe(succeeded)
  expect(countChecks(results, 'WARNING')).toBe(warned)
  // The extension of tasks is the only thing the suite knows that the fixture does not have.
  const others = failedScenarios(results, ({ isScored }) => !isScored)
  expect(others.filter((scenario) => !scenario.startsWith('tasks-'))).toEqual([])
}
