import { expect, it } from 'vitest'
import { createChildLog, createJunkGuard } from './child-log.js'

it('logs fifty lines of a child a second, and how many it left out', () => {
  const logged: string[] = []
  let ms = 5_000
  const log = createChildLog(
    (line) => logged.push(line),
    () => ms,
  )
  for (let n = 1; n <= 1_000; n++) log.add(() => String(n))
  expect(logged.at(-1)).toBe('50')
  ms += 1_000
  log.add(() => 'the next')
  expect(logged.slice(50)).toEqual(['(950 more lines are not logged)', 'the next'])
  log.close()
  expect(logged).toHaveLength(52)
})

it('refuses a child that writes 20,000 lines in ten seconds which are no JSON-RPC, and none that takes longer', () => {
  let ms = 50_000
  const junk = createJunkGuard(() => ms)
  const write = (count: number): void => {
    for (let n = 0; n < count; n++) junk()
  }
  write(15_000)
  ms += 11_000
  write(15_000)
  ms += 5_000
  expect(() => write(15_000)).toThrow(RangeError)
})
