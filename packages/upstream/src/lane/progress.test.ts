import { expect, it } from 'vitest'
import { caller, openLane } from './lane.fixture.js'

it('a call on a lane receives progress of its own, under a token that no call before it had', async () => {
  const { lane, upstream } = await openLane()
  const params = { name: 'n', _meta: { progressToken: 1 } }
  const tokenOf = async () =>
    ((await upstream.next()).params?.['_meta'] as Record<string, unknown>)['progressToken']
  const progress = (progressToken: unknown): void =>
    upstream.say({ method: 'notifications/progress', params: { progressToken, progress: 1 } })
  const [first, second, third] = [caller(), caller(), caller()]
  lane.call('tools/call', params, first)
  const earlier = await tokenOf()
  progress(earlier)
  lane.release()
  lane.call('tools/call', params, second)
  const later = await tokenOf()
  for (const token of [earlier, 'other', undefined, later]) progress(token)
  lane.release()
  progress(later)
  lane.call('tools/call', { name: 'n' }, third)
  progress(later)
  expect(later).not.toBe(earlier)
  expect(first.heard).toMatchObject([{ params: { progressToken: earlier } }])
  expect(second.heard).toMatchObject([{ params: { progressToken: later } }])
  expect(third.heard).toEqual([])
})
