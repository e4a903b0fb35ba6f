import { heldBytes } from '@mcp-router/testkit/memory'
import { expect, it } from 'vitest'
import { createLineSplitter } from './lines.js'

const split = (chunks: readonly Buffer[], maxBytes = 1_000): string[] => {
  const lines: string[] = []
  const push = createLineSplitter(
    (line) => lines.push(line.toString()),
    maxBytes,
    (head) => lines.push(`too long: ${head.toString()}`),
  )
  for (const chunk of chunks) push(chunk)
  return lines
}

it('cuts at line breaks, wherever the chunks begin and end', () => {
  const bytes = Buffer.from('{"a":"é😀"}\n\nsecond\r\nleft')
  const whole = ['{"a":"é😀"}', 'second\r']
  expect(split([bytes])).toEqual(whole)
  for (let at = 0; at <= bytes.length; at++) {
    expect(split([bytes.subarray(0, at), bytes.subarray(at)])).toEqual(whole)
  }
  expect(split([...bytes].map((byte) => Buffer.of(byte)))).toEqual(whole)
})

it('hands out the beginning of a line that is too long, and goes on behind it', () => {
  const long = ['too long: 12345678901', 'next']
  expect(split([Buffer.from('12345678901'), Buffer.from('234\nnext\n')], 10)).toEqual(long)
  const pieces = Array.from('12345678901\nnext\n', (letter) => Buffer.from(letter))
  expect(split(pieces, 10).at(-1)).toBe('next')
  expect(split([Buffer.from('123456789\n'.repeat(9))], 10)).toHaveLength(9)
})

it('holds a small multiple of the bytes of a line, however it comes', async () => {
  const count = 1_000_000
  const held = await heldBytes(() => {
    const push = createLineSplitter(
      () => undefined,
      count,
      () => undefined,
    )
    for (let n = 0; n < count; n++) push(Buffer.of(0x20))
    return push
  })
  expect(held).toBeLessThan(4 * count)
})
