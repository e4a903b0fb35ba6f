import type { Socket } from 'node:net'
import type { Random } from '@mcp-router/testkit/random'
import { end, pause, perform, reset, write } from './act.js'
import type { Act } from './act.js'
import { askedWithoutBody, randomOf } from './asked.js'
import type { Asked } from './asked.js'
import { oddEvents, soundEvents } from './event-bytes.js'
import type { ListenSpec } from './listen.js'
import { oddMessages } from './messages.js'
import { outputOf } from './output.js'
import type { Read } from './requests.js'
import { oddResponse, soundResponse } from './response.js'
import { soundAnswer } from './sound.js'

// HTTP+SSE of 2024-11-05: a stream at /sse, and posts to /messages, of which either can be odd.

const streams = new Map<string, Socket>()
let opened = 0

const head = 'HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n'

/** openStream answers GET /sse. `given` is the step of a server whose every answer is odd. */
export const openStream = async (
  { seed }: Pick<ListenSpec, 'seed'>,
  socket: Socket,
  given: number | undefined,
): Promise<void> => {
  const id = String(++opened)
  streams.set(id, socket)
  socket.once('close', () => streams.delete(id))
  const folder = given === undefined ? '' : `/first/${given}`
  const endpoint = `event: endpoint\ndata: ${folder}/messages?id=${id}\n\n`
  const sound = [write(head), write(endpoint)]
  if (given === undefined) return perform(sound, outputOf(socket))
  const asked = askedWithoutBody('GET', given)
  const random = randomOf(seed, asked)
  const acts = random.pick<() => readonly Act[]>([
    () => sound,
    () => sound,
    () => [write(head), write(oddEndpoint(random, endpoint))],
    () => oddResponse({ random, asked, sound: '{}', headers: [] }),
  ])()
  return perform(acts, outputOf(socket))
}

const oddEndpoint = (random: Random, endpoint: string): string => {
  const places = [
    ...['', ' ', '/', '//other.invalid/', 'http://127.0.0.1:1/', 'https://[', 'javascript:1'],
    ...['file:///etc/passwd', '?', '#', '\u0001', 'é\u2028', 'x'.repeat(300_000), '/\r/', '{}'],
  ]
  const first: readonly [string, ...string[]] = ['/nobody', ...places]
  return random.pick<string>([
    `event: endpoint\ndata: ${random.pick(first)}\n\n`,
    `event: endpoint\ndata: ${random.pick(first)}\n\n${endpoint}`,
    `${endpoint}event: endpoint\ndata: ${random.pick(first)}\n\n`,
    endpoint.replace('event: endpoint\n', ''),
    endpoint.replace('data: ', 'data:   '),
    `: ${'x'.repeat(1_000_000)}\n${endpoint}`,
    endpoint.slice(0, -1),
  ])
}

/** postToStream answers POST /messages: 202 by HTTP, and the answer on the stream. */
export const postToStream = async (
  spec: ListenSpec,
  socket: Socket,
  { path }: Read,
  asked: Asked,
): Promise<void> => {
  const stream = streams.get(/[?&]id=(\d+)/.exec(path)?.[1] ?? '')
  const random = randomOf(spec.seed, asked)
  const sound = asked.method === 'none' ? undefined : soundAnswer(asked, spec.way)
  const accepted = soundResponse({ random, asked, sound: undefined, headers: [] })
  const answered = sound === undefined ? [] : [write(soundEvents([Buffer.from(sound)]))]
  const say = async (acts: readonly Act[]): Promise<void> => {
    if (stream) await perform(acts, outputOf(stream))
  }
  if (asked.step === undefined) {
    await perform(accepted, outputOf(socket))
    return say([pause(asked.ms), ...answered])
  }
  if (random.chance(0.4)) {
    const odd = oddResponse({ random, asked, sound: undefined, headers: [] })
    const isFirst = random.chance(0.5)
    if (isFirst) await say(answered)
    await perform(odd, outputOf(socket))
    if (!isFirst) await say(answered)
    return
  }
  await perform(accepted, outputOf(socket))
  await say(oddStream(random, asked, sound ?? '{}'))
}

const oddStream = (random: Random, asked: Asked, sound: string): readonly Act[] => {
  const texts = random.chance(0.6)
    ? oddMessages({ random, asked, sound, carrier: 'shared' })
    : [sound]
  const messages = texts.map((text) => (typeof text === 'string' ? Buffer.from(text) : text))
  const bytes = random.chance(0.5) ? oddEvents(random, messages) : soundEvents(messages)
  const half = bytes.subarray(0, random.below(bytes.length + 1))
  return random.pick<readonly Act[]>([
    [write(bytes)],
    [write(bytes)],
    [write(bytes)],
    [write(bytes)],
    [write(half), pause(200), write(bytes.subarray(half.length))],
    [pause(300), write(bytes)],
    [write(half), reset],
    [write(half), end],
    [write(bytes), reset],
  ])
}
