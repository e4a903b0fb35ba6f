import { expect, it } from 'vitest'
import { stateBeside } from './status.js'

const last = { lastError: 'HTTP 404', lastErrorAt: '1970-01-01T00:00:00.005Z' }

it.each([
  ['unknown', {}, 'unknown'],
  ['unknown', last, 'down'],
  ['up', last, 'up'],
  ['down', last, 'down'],
] as const)('an endpoint that is %s, with the last error %j, is %s', (state, error, shown) => {
  expect(stateBeside(state, error)).toEqual({ ...error, state: shown })
})
