import { expect, it } from 'vitest'
import { createLineSplitter } from './lines.js'

const split = (chunks: readonly Buffer[], maxBytes?: number): string[] => {
  const lines: string[] = []
  const push = createLineSplitter((line) => lines.push(line.toString()), maxBytes)
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

it('stops a line without end, and no number of short ones', () => {
  expect(() => split([Buffer.from('12345678901')], 10)).toThrow(RangeError)
  expect(() =>
    split(
      Array.from({ length: 11 }, () => Buffer.from('1')),
      10,
    ),
  ).toThrow(RangeError)
  expect(split([Buffer.from('123456789\n'.repeat(9))], 10)).toHaveLength(9)
})
