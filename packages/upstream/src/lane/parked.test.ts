import { nodeEndpoint } from '@mcp-router/testkit/upstream'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { initialized, openLanes } from './lanes.fixture.js'
import type { LaneTerms } from './terms.js'

const nobody = { onUpdated: () => undefined, onLost: () => undefined }
const command = nodeEndpoint('')
const [ann, bob] = [{}, { principal: 'bob' }]

afterEach(() => vi.useRealTimers())

describe('lanes at a command', () => {
  it('whose call is parked make room after a while, those of the same principal first', async () => {
    vi.useFakeTimers()
    const { lanes, take } = openLanes()
    const ended: string[] = []
    const park = async (name: string, change: Partial<LaneTerms>): Promise<void> => {
      const lane = await take(change, command)
      lanes.park(lane, () => {
        ended.push(name)
        void lane.abandon()
        lanes.give(lane)
      })
    }
    await park('bob 1', bob)
    await vi.advanceTimersByTimeAsync(1_000)
    await park('ann 1', ann)
    let isServed = false
    const waiting = take(ann, command).then(() => (isServed = true))
    await vi.advanceTimersByTimeAsync(8_900)
    expect([ended, isServed]).toEqual([[], false])
    // The only one that has had its time, though it is another's.
    await vi.advanceTimersByTimeAsync(200)
    await waiting
    expect(ended).toEqual(['bob 1'])
    await vi.advanceTimersByTimeAsync(10_000)
    await take(ann, command)
    expect(ended).toEqual(['bob 1', 'ann 1'])
  })

  it('whose client came back, or on which somebody listens, are not ended', async () => {
    vi.useFakeTimers()
    const { lanes, take } = openLanes()
    const [first, second] = [await take(ann, command), await take(ann, command)]
    const end = vi.fn()
    lanes.park(first, end)
    lanes.unpark(first)
    await second.listen([], nobody)
    lanes.park(second, end)
    const refused = expect(take(ann, command)).rejects.toMatchObject({ code: 'OVERLOADED' })
    await vi.advanceTimersByTimeAsync(60_000)
    await refused
    expect(end).not.toHaveBeenCalled()
  })

  it('that are parked while a call waits for its turn make room, too', async () => {
    vi.useFakeTimers()
    const { lanes, take } = openLanes(initialized, 60_000, 2, 3_000)
    const [first] = [await take(ann, command), await take(ann, command)]
    const waiting = take(ann, command)
    await vi.advanceTimersByTimeAsync(5_000)
    lanes.park(first, () => {
      void first.abandon()
      lanes.give(first)
    })
    await vi.advanceTimersByTimeAsync(3_001)
    expect(await waiting).not.toBe(first)
  })
})
