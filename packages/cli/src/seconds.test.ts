import { expect, it } from 'vitest'
import { seconds, uptime } from './seconds.js'

it('tells durations as people read them', () => {
  expect(seconds(420)).toBe('0.4 s')
  expect([4_000, 130_000, 11_100_000, 176_400_000].map(uptime)).toEqual([
    '4s',
    '2m',
    '3h 5m',
    '2d 1h',
  ])
})
