import { expect, it } from 'vitest'
import { restartOutcome } from './restart-outcome.js'

it.each([
  [1, 0, 'restarted one instance'],
  [3, 0, 'restarted 3 instances'],
  [0, 3, 'started 3 instances that did not run'],
  [2, 1, 'restarted 2 instances and started one instance that did not run'],
])('of %i restarted and %i started it says "%s"', (restarted, started, text) => {
  expect(restartOutcome(restarted, started)).toBe(text)
})
