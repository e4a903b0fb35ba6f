import { expect, it } from 'vitest'
import { healthOf } from './status.js'

const refused = 'connect ECONNREFUSED 127.0.0.1:28152'

it.each([
  [refused, 800, 'starting'],
  [refused, 90_000, refused],
  [refused, null, refused],
  ['/ready answers 503', 800, '/ready answers 503'],
])('of %j after %j ms it says %j', (problem, uptimeMs, health) => {
  expect(healthOf(problem, uptimeMs)).toBe(health)
})
