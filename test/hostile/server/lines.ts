import type { Random } from '@mcp-router/testkit/random'
import { bytesOf, end, pause, reset, write, writtenBy } from './act.js'
import type { Act } from './act.js'
import type { Asked } from './asked.js'
import { oddMessages } from './messages.js'

const layers = ['messages', 'messages', 'lines', 'lines', 'timing', 'size', 'errors'] as const

/** oddLines answers one request on a pipe that all requests share. */
export const oddLines = (random: Random, asked: Asked, sound: string): readonly Act[] => {
  const odd = new Set([random.pick(layers), ...(random.chance(0.3) ? [random.pick(layers)] : [])])
  const texts = odd.has('messages')
    ? oddMessages({ random, asked, sound, carrier: 'shared' })
    : [sound]
  const messages = texts.map((text) => (typeof text === 'string' ? Buffer.from(text) : text))
  const lines = odd.has('lines') ? oddBreaks(random, messages, asked.mark) : messages.map(lineOf)
  const acts = [...(odd.has('errors') ? complaints(random) : []), write(Buffer.concat(lines))]
  if (odd.has('size') && random.chance(0.15)) return oversized(random, acts)
  return odd.has('timing') ? delayed(random, acts) : acts
}

const lineOf = (message: Buffer): Buffer => Buffer.concat([message, Buffer.from('\n')])

/** oddBreaks writes messages with something around them that is no message, or with breaks where none belong. */
const oddBreaks = (random: Random, messages: readonly Buffer[], mark: string): Buffer[] => {
  const [before, after] = random.pick<[string, string]>([
    ['', '\r\n'],
    ['\n\n\n', '\n\n'],
    ['', '\r'],
    ['', ''],
    ['\ufeff', '\n'],
    ['\u0000', '\n'],
    ['\u001b[32minfo\u001b[0m ', '\n'],
    [`log: ${mark} {"a":1} `, '\n'],
    ['log without a break', '\n'],
    ['log\n', '\nlog\n'],
    ['{"level":"info","msg":"listening"}\n', '\n'],
    ['{"half":', '\n'],
    ['data: ', '\n\n'],
    ['Content-Length: 20\r\n\r\n', '\n'],
    ['', ' trailing\n'],
    ['', '\u2028\n'],
    [`${'x'.repeat(300_000)}\n`, '\n'],
    ['x\n'.repeat(20_000), '\n'],
  ])
  return messages.map((each) => Buffer.concat([Buffer.from(before), each, Buffer.from(after)]))
}

/** complaints flood standard error, with line breaks and without. */
const complaints = (random: Random): readonly Act[] => {
  const text = random.pick(['x'.repeat(65_536), 'oops\n'.repeat(10_000), '\u0000\u001b[2J\n', '\n'])
  return [{ kind: 'complain', bytes: bytesOf(text), times: random.pick([1, 10, 100]) }]
}

const delayed = (random: Random, acts: readonly Act[]): readonly Act[] => {
  const all = writtenBy(acts)
  const at = random.below(all.length + 1)
  const [first, rest] = [write(all.subarray(0, at)), write(all.subarray(at))]
  const shortly = pause(50 + random.below(700))
  return random.pick<() => readonly Act[]>([
    () => [],
    () => [first],
    () => [first, shortly, rest],
    () => [shortly, ...acts],
    () => [first, reset],
    () => [...acts, reset],
    () => [...acts, shortly, end],
    () => [shortly, end],
    () => [...all.subarray(0, 500)].map((_, n) => write(all.subarray(n, n + 1))),
  ])()
}

const oversized = (random: Random, acts: readonly Act[]): readonly Act[] => [
  {
    kind: 'flood',
    bytes: bytesOf(random.pick(['x', '[', '\n', '{"a":1}\n']).repeat(65_536 / 8)),
    times: random.pick([1_000, 10_000]),
  },
  ...acts,
]
