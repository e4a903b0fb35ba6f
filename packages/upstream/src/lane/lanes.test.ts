import { httpEndpoint, nodeEndpoint } from '@mcp-router/testkit/upstream'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { initialized, laneBackend, laneEndpoint, laneTerms, openLanes } from './lanes.fixture.js'

const nobody = { onUpdated: () => undefined, onLost: () => undefined }

afterEach(() => vi.useRealTimers())

describe('taking a lane', () => {
  it('opens one with what the client declared, in words of that era', async () => {
    const { upstreams, take } = openLanes()
    const clientInfo = { name: 'c', version: '1' }
    await take({ capabilities: { roots: { listChanged: true } }, clientInfo })
    expect(upstreams[0]!.passed[0]!.params).toEqual({
      protocolVersion: '2025-11-25',
      capabilities: { roots: {} },
      clientInfo,
    })
  })

  it('takes the free one that is there for the same terms', async () => {
    const { lanes, take } = openLanes()
    const first = await take()
    lanes.give(first)
    expect(await take()).toBe(first)
    expect(lanes.size()).toBe(1)
  })

  it('never takes that of another principal, of other capabilities, client or endpoint', async () => {
    const { lanes, take } = openLanes()
    const first = await take()
    lanes.give(first)
    const others = [
      await take({ principal: 'bob' }),
      await take({ capabilities: { roots: {} } }),
      await take({ clientInfo: { name: 'c' } }),
      await take({}, httpEndpoint('http://127.0.0.1:2/mcp')),
    ]
    expect(new Set([first, ...others]).size).toBe(5)
  })

  it('gives calls at the same time one each', async () => {
    const { take, lanes } = openLanes()
    const [one, other] = await Promise.all([take(), take()])
    expect(one).not.toBe(other)
    lanes.give(one)
    const [again, third] = await Promise.all([take(), take()])
    expect(again).toBe(one)
    expect([one, other]).not.toContain(third)
  })

  it('hears a server outside of calls, too, where it may ask', async () => {
    const { upstreams, take } = openLanes()
    await take()
    await take({ capabilities: { roots: {} } })
    expect(upstreams.map((each) => each.listens())).toEqual([0, 1])
  })

  it('waits until the server is received outside of calls: some forget what they ask before', async () => {
    const { upstreams, take } = openLanes()
    let hear = (): void => undefined
    const heard = new Promise<void>((resolve) => (hear = resolve))
    const taking = take({ capabilities: { roots: {} } })
    await vi.waitUntil(() => upstreams.length > 0)
    Object.assign(upstreams[0]!, { heard: () => heard })
    await vi.waitUntil(() => upstreams[0]!.listens() > 0)
    const taken = vi.fn()
    void taking.then(taken)
    await new Promise(setImmediate)
    expect(taken).not.toHaveBeenCalled()
    hear()
    await taking
  })

  it('fails where none can be opened, and leaves none behind', async () => {
    const { lanes, upstreams, take } = openLanes(({ refuse }) => refuse(-32600, 'no'))
    await expect(take()).rejects.toMatchObject({ code: 'NO_HEALTHY_ENDPOINT' })
    expect([lanes.size(), upstreams[0]!.isClosed()]).toEqual([0, true])
  })
})

describe('too many lanes at one endpoint', () => {
  it('are refused while all are in use, and elsewhere there is room', async () => {
    const { take } = openLanes()
    for (let count = 0; count < 256; count++) await take()
    await expect(take()).rejects.toMatchObject({ code: 'OVERLOADED' })
    await take({}, httpEndpoint('http://127.0.0.1:2/mcp'))
  })

  it('make room by the one that nobody has used for longest', async () => {
    const { lanes, upstreams, take } = openLanes()
    const all = []
    for (let count = 0; count < 256; count++) all.push(await take({ principal: `p${count}` }))
    lanes.give(all[7]!)
    lanes.give(all[5]!)
    all[5]!.usedAt = all[7]!.usedAt - 1
    await take({ principal: 'new' })
    expect(upstreams.flatMap((each, at) => (each.isClosed() ? [at] : []))).toEqual([5])
    expect(lanes.size()).toBe(256)
  })
})

describe('sharing a lane', () => {
  it('is on one that is there, also while it has a call', async () => {
    const { take, share } = openLanes()
    const taken = await take()
    expect(await share()).toBe(taken)
  })

  it('sends calls of the same terms where somebody listens', async () => {
    const { lanes, take, share } = openLanes()
    const other = await take()
    const [again, listened] = [await take(), await share()]
    expect(lanes.isListenedTo(laneEndpoint, laneTerms)).toBe(false)
    await again.listen(['a:1'], nobody)
    expect(listened).toBe(other)
    expect(lanes.isListenedTo(laneEndpoint, laneTerms)).toBe(true)
    expect(lanes.isListenedTo(laneEndpoint, { ...laneTerms, principal: 'bob' })).toBe(false)
    for (const lane of [other, again]) lanes.give(lane)
    expect(await take()).toBe(again)
  })
})

describe('a lane that nobody uses', () => {
  it('is closed after a while, unless it has a call or somebody listens', async () => {
    vi.useFakeTimers()
    const { lanes, upstreams, take } = openLanes(initialized, 10_000)
    const [idle, listened] = [await take(), await take(), await take()]
    await listened.listen([], nobody)
    lanes.give(idle)
    lanes.give(listened)
    await vi.advanceTimersByTimeAsync(5_000)
    expect(lanes.size()).toBe(3)
    await vi.advanceTimersByTimeAsync(10_000)
    expect(upstreams.map((each) => each.isClosed())).toEqual([true, false, false])
  })

  it('is forgotten when its server ends it', async () => {
    const { lanes, upstreams, take } = openLanes()
    const first = await take()
    lanes.give(first)
    upstreams[0]!.lose(new Error('exited'))
    expect(lanes.size()).toBe(0)
    expect(await take()).not.toBe(first)
  })
})

it('what servers tell of their lists is noted', async () => {
  const { upstreams, changes, take } = openLanes()
  await take()
  const noted = new Promise((resolve) =>
    changes.whenNoted((...told) => {
      resolve(told)
    }),
  )
  upstreams[0]!.say({ method: 'notifications/prompts/list_changed' })
  expect(await noted).toEqual(['weather', 'notifications/prompts/list_changed'])
})

it('closing ends all lanes, also one that is being opened', async () => {
  const { lanes, upstreams, take } = openLanes(
    (passed) => void setImmediate(() => initialized(passed)),
  )
  await take()
  const opening = expect(take()).rejects.toMatchObject({ code: 'NO_HEALTHY_ENDPOINT' })
  await lanes.close()
  await opening
  expect(upstreams.map((each) => each.isClosed())).toEqual([true, true])
  expect(lanes.size()).toBe(0)
})

describe('lanes at a command', () => {
  const command = nodeEndpoint('')
  const [ann, bob] = [{}, { principal: 'bob' }]

  it('are few: a call waits for its turn, first come, first served', async () => {
    const { lanes, take } = openLanes()
    const [first, second] = [await take(ann, command), await take(ann, command)]
    const served: string[] = []
    const third = take(ann, command).then((lane) => {
      served.push('third')
      return lane
    })
    const fourth = take(ann, command).then(() => served.push('fourth'))
    await Promise.resolve()
    expect([lanes.size(), served]).toEqual([2, []])
    lanes.give(first)
    expect(await third).toBe(first)
    expect(served).toEqual(['third'])
    lanes.give(second)
    await fourth
    expect(lanes.size()).toBe(2)
  })

  it('make room for the calls of others', async () => {
    const { lanes, upstreams, take } = openLanes()
    const [first] = [await take(ann, command), await take(ann, command)]
    const waiting = take(bob, command)
    lanes.give(first)
    expect(await waiting).not.toBe(first)
    expect([lanes.size(), upstreams.map((each) => each.isClosed())]).toEqual([
      2,
      [true, false, false],
    ])
  })

  it('that are lost give their place to who waits', async () => {
    const { upstreams, take } = openLanes()
    await take(ann, command)
    await take(ann, command)
    const waiting = take(ann, command)
    upstreams[0]!.lose(new Error('exited'))
    await waiting
    expect(upstreams).toHaveLength(3)
  })

  it('are waited for as long as a call may take', async () => {
    vi.useFakeTimers()
    const { take } = openLanes()
    await take(ann, command)
    await take(ann, command)
    const refused = expect(take(ann, command)).rejects.toMatchObject({
      code: 'OVERLOADED',
      data: { limit: 2 },
    })
    await vi.advanceTimersByTimeAsync(laneBackend.deadlineMs)
    await refused
  })

  it('are closed soon after their last call', async () => {
    vi.useFakeTimers()
    const { lanes, take } = openLanes(initialized, 300_000)
    lanes.give(await take(ann, command))
    await vi.advanceTimersByTimeAsync(40_000)
    expect(lanes.size()).toBe(0)
  })

  it('are opened once for all who share one', async () => {
    const { lanes, upstreams } = openLanes()
    const share = () => lanes.share(laneBackend, command, laneTerms)
    const [one, other] = await Promise.all([share(), share()])
    expect([one === other, upstreams.length]).toEqual([true, 1])
  })
})
