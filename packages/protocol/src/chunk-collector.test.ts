import { heldBytes } from '@mcp-router/testkit/memory'
import { expect, it } from 'vitest'
import { ChunkCollector } from './chunk-collector.js'

const collected = (chunks: readonly Buffer[]): Buffer => {
  const collector = new ChunkCollector()
  for (const chunk of chunks) collector.push(chunk)
  return collector.take()
}

it('joins chunks of any size', () => {
  for (const sizes of [[], [0], [5], [0, 5, 0], [1, 1, 1], [3, 70_000, 1, 70_000, 0, 9]]) {
    const chunks = sizes.map((size, at) => Buffer.alloc(size, at))
    expect(collected(chunks).equals(Buffer.concat(chunks)), String(sizes)).toBe(true)
  }
})

it('hands out a chunk that is alone as it is, and changes none of those that it was given', () => {
  const alone = Buffer.from('alone')
  expect(collected([Buffer.alloc(0), alone, Buffer.alloc(0)])).toBe(alone)
  const whole = Buffer.from('first|rest')
  expect(collected([whole.subarray(0, 5), Buffer.from('-second')]).toString()).toBe('first-second')
  expect(whole.toString()).toBe('first|rest')
})

it('is empty once its bytes are taken, and does not change them', () => {
  const collector = new ChunkCollector()
  for (const chunk of ['a', 'b', 'c']) collector.push(Buffer.from(chunk))
  expect(collector.bytes).toBe(3)
  const first = collector.take()
  expect([collector.bytes, collector.take().length]).toEqual([0, 0])
  for (const chunk of ['x', 'y', 'z']) collector.push(Buffer.from(chunk))
  expect([first.toString(), collector.take().toString()]).toEqual(['abc', 'xyz'])
})

it('holds a small multiple of the bytes, however small the chunks are', async () => {
  const count = 1_000_000
  const held = await heldBytes(() => {
    const collector = new ChunkCollector()
    for (let n = 0; n < count; n++) collector.push(Buffer.of(1))
    return collector
  })
  expect(held).toBeLessThan(4 * count)
})
