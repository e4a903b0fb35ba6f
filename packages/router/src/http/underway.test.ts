import { describe, expect, it } from 'vitest'
import type { Incoming } from './incoming.js'
import { createUnderway } from './underway.js'

/** What is counted of an Incoming: its method, its end, and that it may become a stream. */
const arriving = (method = 'POST') => {
  const watchers: (() => void)[] = []
  const incoming = {
    req: { method },
    onBecomesStream: undefined as (() => void) | undefined,
    whenClosed: (watcher: () => void) => void watchers.push(watcher),
  }
  return {
    incoming: incoming as unknown as Incoming,
    becomesStream: () => incoming.onBecomesStream?.(),
    close: () => watchers.forEach((watcher) => watcher()),
  }
}

describe('what is under way', () => {
  it('is waited for until its last call has ended', async () => {
    const underway = createUnderway()
    const [one, other] = [arriving(), arriving()]
    for (const { incoming } of [one, other]) underway.add(incoming)
    let ended = false
    const waiting = underway.callsEnded(60_000).then(() => (ended = true))
    one.close()
    await Promise.resolve()
    expect([ended, underway.size()]).toEqual([false, 1])
    other.close()
    await waiting
    expect([underway.size(), underway.begun()]).toEqual([0, 2])
  })

  it.each([
    ['a GET', arriving('GET'), false],
    ['a POST that became a stream', arriving(), true],
  ])('is not waited for when it is %s', async (_, each, becomes) => {
    const underway = createUnderway()
    underway.add(each.incoming)
    if (becomes) each.becomesStream()
    await underway.callsEnded(60_000)
    expect(underway.size()).toBe(1)
    each.close()
    expect(underway.size()).toBe(0)
  })

  it('is no longer waited for once it becomes a stream', async () => {
    const underway = createUnderway()
    const each = arriving()
    underway.add(each.incoming)
    const waiting = underway.callsEnded(60_000)
    each.becomesStream()
    await waiting
    expect(underway.size()).toBe(1)
  })
})

describe('what comes on top of too much', () => {
  it.each([
    ['POST', 'calls under way', 2],
    ['GET', 'open streams', 3],
  ])('is refused (%s: %s), until something has ended', (method, what, limit) => {
    const underway = createUnderway({ calls: 2, streams: 3 })
    const all = Array.from({ length: limit }, () => arriving(method))
    for (const { incoming } of all) underway.add(incoming)
    const late = arriving(method)
    expect(() => underway.add(late.incoming)).toThrow(
      expect.objectContaining({ code: 'OVERLOADED', data: { what, limit } }) as Error,
    )
    expect([underway.size(), underway.begun()]).toEqual([limit, limit])
    all[0]?.close()
    underway.add(late.incoming)
    expect(underway.size()).toBe(limit)
  })
})
