import { describe, expect, it } from 'vitest'
import type { Instance, InstanceId } from '@mcp-router/core'
import { homeOf } from './home.js'

const instances = (...numbers: number[]): Instance[] =>
  numbers.map((n) => ({
    id: `router-instance-${n}` as InstanceId,
    address: `http://127.0.0.1:${n}`,
    pid: n,
    startedAt: 1,
    sessions: 0,
  }))

const keys = Array.from({ length: 1_000 }, (_, n) => `stdio:local#1 user-${n}`)
const homes = (all: readonly Instance[]) => keys.map((key) => homeOf(key, all)?.id)

describe('the home of a key', () => {
  it('is the same wherever it is looked up', () => {
    expect(homes(instances(3, 1, 2))).toEqual(homes(instances(1, 2, 3)))
  })

  it('is each instance about as often', () => {
    const all = homes(instances(1, 2, 3, 4))
    for (const { id } of instances(1, 2, 3, 4)) {
      const share = all.filter((home) => home === id).length
      expect(share).toBeGreaterThan(200)
      expect(share).toBeLessThan(300)
    }
  })

  it('moves only when its instance goes, or to one that comes', () => {
    const before = homes(instances(1, 2, 3))
    const without = homes(instances(1, 3))
    const gone = 'router-instance-2'
    expect(before.filter((home, at) => home !== without[at]).every((home) => home === gone)).toBe(
      true,
    )
    const more = homes(instances(1, 2, 3, 4))
    expect(more.filter((home, at) => home !== before[at])).toEqual(
      more.filter((home) => home === 'router-instance-4'),
    )
  })

  it('is nowhere while there is no instance', () => {
    expect(homeOf('key', instances())).toBeUndefined()
  })
})
