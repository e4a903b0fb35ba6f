import { createRandom } from '@mcp-router/testkit/random'
import type { Random } from '@mcp-router/testkit/random'
import { expect, it } from 'vitest'
import { createSseDecoder } from './sse.js'
import type { SseEvent } from './sse.js'

const lines = [
  'data: a',
  'data:',
  'data',
  'data:  {"b":"é😀"}',
  'event: ping',
  'id: 7',
  'id',
  ': comment',
  'retry: 10',
  'x: y',
  '',
  '',
  '',
]

const randomStream = (random: Random): Buffer => {
  const end = (): string => (random.chance(0.3) ? '\r\n' : '\n')
  const text = Array.from({ length: random.below(40) }, () => random.pick(lines) + end()).join('')
  return Buffer.from(text)
}

/** chunked cuts the bytes at any place, in the middle of letters and line ends too. */
const chunked = (random: Random, bytes: Buffer): readonly Buffer[] => {
  const chunks: Buffer[] = []
  for (let from = 0; from < bytes.length;) {
    const to = from + 1 + random.below(random.pick([1, 3, 20, 200]))
    chunks.push(bytes.subarray(from, to))
    from = to
  }
  return chunks
}

const decoded = (chunks: readonly Buffer[]): readonly unknown[] => {
  const events: unknown[] = []
  const keep = ({ event, data, id }: SseEvent): void =>
    void events.push({ event, data: data.toString(), id })
  // A limit that only a sum over several events could reach.
  const decoder = createSseDecoder(keep, 700)
  for (const chunk of chunks) decoder.push(chunk)
  return events
}

it('gives the same events however the stream is cut', () => {
  let events = 0
  for (let seed = 1; seed <= 1_000; seed++) {
    const random = createRandom(seed)
    const bytes = randomStream(random)
    const whole = decoded([bytes])
    expect(decoded(chunked(random, bytes)), `seed ${seed}`).toEqual(whole)
    expect(decoded([...bytes].map((byte) => Buffer.of(byte))), `seed ${seed}`).toEqual(whole)
    events += whole.length
  }
  expect(events).toBeGreaterThan(1_000)
})
