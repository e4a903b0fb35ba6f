import type { Random } from '@mcp-router/testkit/random'
import { bytesOf, end, pause, reset, write, writtenBy } from './act.js'
import type { Act } from './act.js'
import type { Asked } from './asked.js'
import { headOf, oddFraming, soundFraming } from './framing.js'
import { spoilHead, withOddHeaders } from './head.js'
import { oddMessages } from './messages.js'
import { replyOf, withOddCoding, withOddStatus } from './reply.js'
import type { Reply } from './reply.js'

/** layers are the places where a response can be odd; one, two or three of them are at a time. */
const layers = [
  'messages',
  'media',
  'coding',
  'status',
  'headers',
  'head',
  'framing',
  'timing',
  'size',
] as const
type Layer = (typeof layers)[number]

/** ResponseSpec: `sound` is what a good server answers, undefined where it answers 202; `headers` are those that it sends. */
export interface ResponseSpec {
  readonly random: Random
  readonly asked: Asked
  readonly sound: string | undefined
  readonly headers: Reply['headers']
}

/** soundResponse answers as a good server does. */
export const soundResponse = ({ random, sound, headers }: ResponseSpec): readonly Act[] => {
  const reply = sound === undefined ? accepted() : replyOf(random, [Buffer.from(sound)], false)
  reply.headers.push(...headers)
  return soundFraming(random, reply)
}

/** oddResponse answers otherwise; the same `random` does the same again. */
export const oddResponse = (spec: ResponseSpec): readonly Act[] => {
  const { random, asked, sound = '{}' } = spec
  const odd = chosen(random)
  const texts = odd.has('messages')
    ? oddMessages({ random, asked, sound, carrier: 'response' })
    : [sound]
  const isAccepted = spec.sound === undefined && !odd.has('messages') && !odd.has('media')
  const reply = isAccepted ? accepted() : replyOf(random, texts.map(bytesOfUtf8), odd.has('media'))
  reply.headers.push(...spec.headers)
  if (odd.has('coding')) withOddCoding(random, reply)
  if (odd.has('status')) withOddStatus(random, reply, asked.mark)
  if (odd.has('headers')) withOddHeaders(random, reply, asked.mark)
  if (odd.has('size')) return oversized(random, reply, asked.mark)
  const framed = odd.has('framing')
    ? oddFraming(random, reply, asked.mark)
    : soundFraming(random, reply)
  const headed = odd.has('head') ? withSpoiltHead(random, framed) : framed
  return odd.has('timing') ? delayed(random, headed) : headed
}

const chosen = (random: Random): ReadonlySet<Layer> => {
  const count = random.pick([1, 1, 1, 1, 2, 2, 3])
  const odd = new Set<Layer>()
  while (odd.size < count) {
    const layer = random.pick(layers)
    // Big answers are a matter of every hundredth step: each costs more than a hundred others.
    if (layer !== 'size' || random.chance(0.08)) odd.add(layer)
  }
  return odd
}

const accepted = (): Reply => ({ status: '202 Accepted', headers: [], body: Buffer.alloc(0) })

const bytesOfUtf8 = (text: string | Buffer): Buffer =>
  typeof text === 'string' ? Buffer.from(text) : text

const withSpoiltHead = (random: Random, acts: readonly Act[]): readonly Act[] => {
  const [first, ...rest] = acts
  return first?.kind === 'write' ? [write(spoilHead(random, first.bytes)), ...rest] : acts
}

/** delayed takes its time, stops in the middle, or never begins. */
const delayed = (random: Random, acts: readonly Act[]): readonly Act[] => {
  const all = writtenBy(acts)
  const at = random.below(all.length + 1)
  const [first, rest] = [write(all.subarray(0, at)), write(all.subarray(at))]
  const shortly = pause(50 + random.below(700))
  return random.pick<() => readonly Act[]>([
    () => [],
    () => [end],
    () => [reset],
    () => [first],
    () => [first, end],
    () => [first, reset],
    () => [first, shortly, end],
    () => [first, shortly, reset],
    () => [first, shortly, rest],
    () => [shortly, ...acts],
    () => [...acts, shortly, end],
    () => [...acts, reset],
    () => [...acts, shortly, reset],
    () => [...all.subarray(0, 900)].map((_, n) => write(all.subarray(n, n + 1))),
    () => dripping(all),
  ])()
}

/** dripping never comes to an end, and is never quiet. */
const dripping = (all: Buffer): readonly Act[] =>
  Array.from({ length: 120 }, (_, n) => [write(all.subarray(n, n + 1)), pause(100)]).flat()

const pieceBytes = 65_536

/** oversized is more than anybody should keep: as JSON text, as one line, as many events, as blanks; with an end or without. */
const oversized = (random: Random, reply: Reply, mark: string): readonly Act[] => {
  const piece = random.pick([
    'x'.repeat(pieceBytes),
    ' '.repeat(pieceBytes),
    '['.repeat(pieceBytes),
    `data: ${mark}\n\n`.repeat(4_000),
    `: ${mark}\n`.repeat(6_000),
  ])
  const times = random.pick([100, 300, 1_500])
  const opening = random.pick(['', '{"jsonrpc":"2.0","result":{"text":"', 'data: '])
  const total = opening.length + times * piece.length
  const closing = random.chance(0.5) ? [end] : []
  return [
    write(headOf(reply, random.chance(0.5) ? [`Content-Length: ${total}`] : ['Connection: close'])),
    write(bytesOf(opening)),
    { kind: 'flood', bytes: bytesOf(piece), times },
    ...closing,
  ]
}
