import type { Random } from '@mcp-router/testkit/random'
import { bytesOf, end, pause, reset, write } from './act.js'
import type { Act } from './act.js'
import type { Reply } from './reply.js'

/** headOf writes status and headers as a good server does. */
export const headOf = ({ status, headers }: Reply, more: readonly string[] = []): Buffer =>
  bytesOf(`HTTP/1.1 ${[status, ...headers.map(lineOf), ...more].join('\r\n')}\r\n\r\n`)

const lineOf = ([name, value]: [string, string]): string => `${name}: ${value}`

/** soundFraming announces the length, or writes chunks. */
export const soundFraming = (random: Random, reply: Reply): readonly Act[] => {
  const { body } = reply
  if (random.chance(0.6)) return [write(headOf(reply, [length(body.length)])), write(body)]
  return [write(headOf(reply, [chunked])), ...chunksOf(body), write('0\r\n\r\n')]
}

const chunked = 'Transfer-Encoding: chunked'
const length = (bytes: number | string): string => `Content-Length: ${bytes}`

const chunksOf = (body: Buffer): readonly Act[] => {
  if (body.length === 0) return []
  const middle = Math.ceil(body.length / 2)
  return [body.subarray(0, middle), body.subarray(middle)]
    .filter((part) => part.length > 0)
    .map((part) => write(chunkOf(part)))
}

const chunkOf = (part: Buffer, extension = ''): Buffer =>
  Buffer.concat([bytesOf(`${part.length.toString(16)}${extension}\r\n`), part, bytesOf('\r\n')])

/** oddFraming says something about the length of the body that is not so, or that no parser should believe. */
export const oddFraming = (random: Random, reply: Reply, mark: string): readonly Act[] =>
  random.pick(framings)({ random, reply, body: reply.body, mark })

interface Case {
  readonly random: Random
  readonly reply: Reply
  readonly body: Buffer
  readonly mark: string
}

/** injected is a whole response that nobody asked for: whoever reads on takes it for the answer to another request. */
const injected = (mark: string): Buffer => {
  const body = `{"jsonrpc":"2.0","id":1,"result":{"content":[{"type":"text","text":"${mark}"}]}}`
  return bytesOf(
    `HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
  )
}

const withLength =
  (...values: readonly (string | ((bytes: number) => string))[]) =>
  ({ reply, body }: Case): readonly Act[] => {
    const lines = values.map((value) =>
      length(typeof value === 'string' ? value : value(body.length)),
    )
    return [write(headOf(reply, lines)), write(body)]
  }

const withChunks =
  (...chunks: readonly string[]) =>
  ({ reply, body }: Case): readonly Act[] => [
    write(headOf(reply, [chunked])),
    ...chunksOf(body),
    ...chunks.map(write),
  ]

const withCoding =
  (coding: string) =>
  ({ reply, body }: Case): readonly Act[] => [
    write(headOf(reply, [`Transfer-Encoding: ${coding}`])),
    ...chunksOf(body),
    write('0\r\n\r\n'),
  ]

type Framing = (each: Case) => readonly Act[]

/** bothFramings: the length ends within the chunks, and behind it stands a response. */
const bothFramings: Framing = ({ random, reply, body, mark }) => {
  const first = chunkOf(body)
  const lines = [chunked, length(first.length - random.below(3))]
  return [
    write(headOf(reply, random.chance(0.5) ? lines : lines.toReversed())),
    write(first),
    pause(random.pick([0, 100, 1_000])),
    write(chunkOf(injected(mark))),
    write('0\r\n\r\n'),
  ]
}

const framings: readonly [Framing, ...Framing[]] = [
  bothFramings,
  bothFramings,
  withLength((n) => String(n + 7)),
  (each) => [...withLength((n) => String(n + 7))(each), end],
  (each) => [...withLength((n) => String(n + 7))(each), reset],
  withLength((n) => String(Math.floor(n / 2))),
  withLength(String, (n) => String(n + 1)),
  withLength(String, String),
  withLength((n) => `${n}, ${n}`),
  withLength((n) => `+${n}`),
  withLength((n) => `0x${n.toString(16)}`),
  withLength((n) => `${n} ${n}`),
  withLength((n) => `0${n}`),
  withLength('-1'),
  withLength(''),
  withLength('9'.repeat(40)),
  withLength('NaN'),
  withLength('0'),
  (each) => [...withLength(String)(each), write(injected(each.mark))],
  (each) => [...withLength(String)(each), pause(300), write(injected(each.mark))],
  (each) => [...withLength(String)(each), write('\r\n\r\n')],
  (each) => [...withLength(String)(each), end],
  withChunks('0\r\n\r\n', '0\r\n\r\n'),
  withChunks('-1\r\n\r\n'),
  withChunks('x\r\n\r\n'),
  withChunks('1\r\nxyz\r\n'),
  withChunks('5\r\nab'),
  withChunks('ffffffffffffffff\r\n'),
  withChunks('7fffffff\r\n'),
  withChunks(`0;${'x'.repeat(1_000_000)}\r\n\r\n`),
  withChunks('0\r\nContent-Length: 5\r\nX: \u0001\r\n\r\n'),
  withChunks(`0\r\n${'X: y\r\n'.repeat(20_000)}\r\n`),
  withChunks('0\n\n'),
  withChunks(),
  (each) => [...withChunks()(each), end],
  (each) => [...withChunks()(each), reset],
  (each) => [...withChunks('0\r\n\r\n')(each), pause(200), write(injected(each.mark))],
  ({ reply, body }) => [
    write(headOf(reply, [chunked])),
    ...[...body.subarray(0, 400)].map((_, n) => write(chunkOf(body.subarray(n, n + 1), ';a=b'))),
    write(chunkOf(body.subarray(400))),
    write('0\r\n\r\n'),
  ],
  withCoding('gzip, chunked'),
  withCoding('chunked, chunked'),
  withCoding('identity'),
  withCoding('xchunked'),
  withCoding('chunked\u000b'),
  withCoding(''),
  ({ reply, body }) => [write(headOf(reply)), write(body), end],
  ({ reply, body }) => [write(headOf(reply)), write(body)],
  ({ reply, body }) => [write(headOf(reply, ['Connection: close'])), write(body), end],
  ({ reply, body }) => [write(bytesOf(`HTTP/1.0 ${reply.status}\r\n\r\n`)), write(body), end],
]
