import { describe, expect, it } from 'vitest'
import { cpuTimeMs, usageOf } from './usage.js'

const usedUs = (): number => {
  const { user, system } = process.cpuUsage()
  return user + system
}

describe('the usage of a process', () => {
  it.each([
    ['00:00:07', 7_000],
    ['01:02:03', 3_723_000],
    ['2-00:00:01', 172_801_000],
    ['3:04.56', 184_560],
  ])('reads %s as ps writes it', (text, ms) => {
    expect(cpuTimeMs(text)).toBe(ms)
  })

  it('grows with the work of the process', async () => {
    const before = await usageOf([process.pid])
    const until = usedUs() + 200_000
    while (usedUs() < until);
    const after = await usageOf([process.pid])
    expect(after.cpuMs - before.cpuMs).toBeGreaterThanOrEqual(150)
    expect(after.rssBytes).toBeGreaterThan(2 ** 20)
  })
})
