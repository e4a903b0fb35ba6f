import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { rareFaults } from './rare-faults.js'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

it('a fault is reported once a minute for each reason', () => {
  const reported: string[] = []
  const report = rareFaults((error) => reported.push(String(error)))
  for (let time = 0; time < 50; time++) report('connect ECONNREFUSED')
  report('read ECONNRESET')
  report('connect ECONNREFUSED')
  expect(reported).toEqual(['connect ECONNREFUSED', 'read ECONNRESET'])
  vi.advanceTimersByTime(60_000)
  report('connect ECONNREFUSED')
  expect(reported).toHaveLength(3)
})

it('reasons without end are reported all the same, and not remembered', () => {
  let count = 0
  const report = rareFaults(() => count++)
  for (let time = 0; time < 100; time++) report(`reason ${time}`)
  expect(count).toBe(100)
})
