import { afterEach, describe, expect, it, onTestFinished, vi } from 'vitest'
import { createListChanges } from '../changes.js'
import { backendOf, httpEndpoint } from '../testing/backend.js'
import { createTwinUpstream } from '../testing/twin-upstream.js'
import type { Passed, TwinUpstream } from '../testing/twin-upstream.js'
import { createLanes } from './lanes.js'
import type { LaneTerms } from './lanes.js'

const endpoint = httpEndpoint('http://127.0.0.1:1/mcp')
const backend = backendOf(endpoint)
const terms: LaneTerms = { principal: 'ann', capabilities: {}, clientInfo: undefined }

const initialized = ({ method, answer }: Passed): void => {
  if (method === 'initialize' || method === 'resources/subscribe') answer({ capabilities: {} })
}

const openLanes = (onPassed = initialized, idleMs = 60_000) => {
  const upstreams: TwinUpstream[] = []
  const changes = createListChanges()
  const dialer = {
    open: (...[, , listener]: Parameters<Parameters<typeof createLanes>[0]['dialer']['open']>) => {
      const upstream = createTwinUpstream(listener, onPassed)
      upstreams.push(upstream)
      return Promise.resolve(upstream)
    },
    openFace: () => {
      throw new Error('a lane is at a server with sessions')
    },
  }
  const lanes = createLanes({ dialer, changes, idleMs })
  onTestFinished(() => lanes.close())
  const take = (change: Partial<LaneTerms> = {}, at = endpoint) =>
    lanes.take(backend, at, { ...terms, ...change })
  const share = () => lanes.share(backend, endpoint, terms)
  return { lanes, upstreams, changes, take, share }
}

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
    all[5]!.usedAt--
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
    expect(lanes.isListenedTo(endpoint, terms)).toBe(false)
    await again.listen(['a:1'], nobody)
    expect(listened).toBe(other)
    expect(lanes.isListenedTo(endpoint, terms)).toBe(true)
    expect(lanes.isListenedTo(endpoint, { ...terms, principal: 'bob' })).toBe(false)
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
