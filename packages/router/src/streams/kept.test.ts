import { expect, it, vi } from 'vitest'
import { createKept } from './kept.js'

/** Streams that keep so many bytes each, as the bound of 100 bytes sees them. */
const open = () => {
  const kept = createKept(100)
  const dropped: string[] = []
  const stream = (name: string) => {
    let bytes = 0
    const change = (to: number): void => {
      const by = to - bytes
      bytes = to
      kept.count(self, by)
    }
    const self = {
      bytes: () => bytes,
      shrink: vi.fn(() => change(Math.min(bytes, 10))),
      drop: vi.fn(() => change(0)),
    }
    return {
      ...self,
      keep: (more: number) => change(bytes + more),
      end: () => kept.end(self, () => dropped.push(name)),
    }
  }
  return { kept, dropped, stream }
}

it('lets the streams go that ended first, once all together are too much, and no more than needed', () => {
  const { kept, dropped, stream } = open()
  const all = ['a', 'b', 'c'].map((name) => ({ name, ...stream(name) }))
  const [a, b, c] = all
  for (const each of [b!, a!, c!]) {
    each.keep(30)
    each.end()
  }
  const running = stream('running')
  running.keep(10)
  expect(dropped).toEqual([])
  running.keep(1)
  expect(dropped).toEqual(['b'])
  running.keep(60)
  expect([dropped, kept.bytes()]).toEqual([['b', 'a', 'c'], 71])
  expect(running.drop).not.toHaveBeenCalled()
})

it('lets older events go of streams that have not ended where none is left that has', () => {
  const { kept, dropped, stream } = open()
  const [first, second] = [stream('first'), stream('second')]
  first.keep(60)
  second.keep(60)
  expect([dropped, first.bytes(), second.bytes(), kept.bytes()]).toEqual([[], 10, 60, 70])
})

it('is not stuck where nothing is left to let go of', () => {
  const { kept, stream } = open()
  stream('only').keep(200)
  expect(kept.bytes()).toBe(10)
})
