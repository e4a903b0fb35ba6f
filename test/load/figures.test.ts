import { describe, expect, it } from 'vitest'
import { callFigures, type Measured, median } from './figures.js'
import type { Round } from './measure.js'
import type { CallRow } from './rows.js'
import { targetsOf } from './targets.js'

const row: CallRow = {
  kind: 'calls',
  name: 'call',
  about: '',
  via: 'instance',
  open: () => Promise.reject(new Error('not driven here')),
  baseline: 'nginx-json',
  maxRatio: 3.5,
}

const round = (cpuUs: Record<string, number>, wrong: Partial<Round> = {}): Round => ({
  calls: 1000,
  perSecond: 1000,
  p50Ms: 1,
  p99Ms: 2,
  cpuUs,
  systemUs: 5,
  rssBytes: { instance: 2 ** 20 },
  stubBusy: 0.1,
  failures: {},
  complaints: [],
  ...wrong,
})

const measured = (...rounds: (Round | undefined)[]): Measured => ({ row, rounds, complaints: [] })

describe('the figures of a row', () => {
  it('compare with bare Nginx round by round, and take the median', () => {
    const nginx = measured(round({ nginx: 20 }), round({ nginx: 10 }), round({ nginx: 20 }))
    const own = measured(round({ instance: 60 }), round({ instance: 50 }), round({ instance: 40 }))
    expect(callFigures(own, nginx)).toMatchObject({ ratio: 3, cpuUs: 50 })
  })

  it('sum the groups of processes of a cluster', () => {
    const nginx = measured(round({ nginx: 20 }))
    const own = measured(round({ nginx: 25, instances: 55 }))
    const expected = { cpuUs: 80, ratio: 4, cpuUsBy: { nginx: 25, instances: 55 } }
    expect(callFigures(own, nginx)).toMatchObject(expected)
  })

  it('leave out a round that either side could not drive', () => {
    const nginx = measured(undefined, round({ nginx: 10 }), round({ nginx: 10 }))
    const own = measured(round({ instance: 90 }), undefined, round({ instance: 30 }))
    expect(callFigures(own, nginx).ratio).toBe(3)
  })

  it('reach no target when an answer was wrong', () => {
    const nginx = measured(round({ nginx: 20 }))
    const fine = callFigures(measured(round({ instance: 30 })), nginx)
    expect(targetsOf([fine], []).map((target) => target.passed)).toEqual([true, true])
    const wrong = round({ instance: 30 }, { failures: { status: 2 }, complaints: ['wrong id'] })
    const bad = callFigures(measured(wrong), nginx)
    expect(bad.errors).toBe(3)
    expect(targetsOf([bad], []).map((target) => target.passed)).toEqual([false, false])
  })
})

describe('median', () => {
  it('is the middle value, or the mean of the middle two', () => {
    expect(median([3, 1, 2])).toBe(2)
    expect(median([4, 1, 2, 3])).toBe(2.5)
    expect(median([])).toBeNaN()
  })
})
