import type { Random } from '@mcp-router/testkit/random'
import { mutateBody, oddValue } from '../../harness/fuzz/body.js'
import type { Asked } from './asked.js'

/** Carrier tells whose messages share a connection: an answer of HTTP is its request's, a pipe or a stream is everybody's. */
export type Carrier = 'response' | 'shared'

type Text = string | Buffer

interface Case {
  readonly random: Random
  readonly asked: Asked
  /** The sound answer. */
  readonly sound: string
  readonly carrier: Carrier
}

/** oddMessages are the messages that stand where one sound answer belongs: any number of them, JSON-RPC or not. */
export const oddMessages = (each: Case): readonly Text[] => each.random.pick(kinds)(each)

const megabyte = 1_048_576

const notice = ({ asked }: Case, method: string, params: object = {}): string =>
  JSON.stringify({ jsonrpc: '2.0', method, params: { ...params, data: asked.mark } })

const question = ({ asked }: Case, id: unknown, method: string, params: object = {}): string =>
  JSON.stringify({ jsonrpc: '2.0', id, method, params: { ...params, mark: asked.mark } })

/** withId answers under another id. */
const withId = ({ asked }: Case, id: string, result = `{"is":"${asked.mark}"}`): string =>
  `{"jsonrpc":"2.0","id":${id},"result":${result}}`

/**
 * oddId is an id that nobody gave. On what everybody shares it lies far from all that are in use: a server that answers the id of another
 * call which it received itself is its own fault.
 */
const oddId = ({ random, asked, carrier }: Case): string => {
  const own = JSON.stringify(asked.id ?? null)
  const near = Number.isFinite(Number(asked.id)) ? Number(asked.id) : 1
  const far = ['null', '{}', '[]', 'true', '-1', '1.5', '1e400', '"nobody"', '9007199254740993']
  const first: readonly [string, ...string[]] = ['""', `"${'9'.repeat(5_000)}"`, ...far]
  if (carrier === 'shared' || random.chance(0.5)) return random.pick(first)
  const close = [near + 1, near - 1, near + 2, 0, 1, 2].map(String)
  return random.pick([`"${near}"`, `${own}.0`, `${own}e0`, `[${own}]`, ...close])
}

const progress = (each: Case, token: unknown): string =>
  notice(each, 'notifications/progress', { progressToken: token, progress: 1 })

const nested = (opening: string, closing: string, depth: number): string =>
  opening.repeat(depth) + closing.repeat(depth)

const kinds: readonly [(each: Case) => readonly Text[], ...((each: Case) => readonly Text[])[]] = [
  ({ random, sound }) => [mutateBody(random, sound)],
  ({ random, sound }) => [mutateBody(random, sound)],
  ({ random, sound }) => [mutateBody(random, sound), sound],
  () => [],
  (each) => [withId(each, oddId(each))],
  (each) => [withId(each, oddId(each)), each.sound],
  ({ sound }) => [sound, sound],
  (each) => [each.sound, withId(each, JSON.stringify(each.asked.id ?? null))],
  (each) => [notice(each, 'notifications/message', { level: 'info' }), each.sound],
  (each) => [each.sound, notice(each, 'notifications/message', { level: 'info' })],
  (each) => [progress(each, each.asked.progressToken ?? 'nobody'), each.sound],
  (each) => [each.sound, progress(each, each.asked.progressToken ?? 1)],
  (each) => [progress(each, each.random.pick([null, 0, 1, 2, {}, 'x'.repeat(9_000)])), each.sound],
  (each) => Array.from({ length: 2_000 }, () => notice(each, 'notifications/message')),
  (each) => [
    ...Array.from({ length: 500 }, () => notice(each, 'notifications/tools/list_changed')),
    each.sound,
  ],
  (each) => [question(each, `q-${each.asked.mark}`, 'ping'), each.sound],
  (each) => [question(each, each.asked.id, 'sampling/createMessage', { messages: [] })],
  (each) => [question(each, null, 'roots/list'), each.sound],
  (each) => [
    question(each, { odd: 1 }, 'elicitation/create'),
    question(each, -1, 'no/such/method'),
    each.sound,
  ],
  (each) => [notice(each, 'notifications/cancelled', { requestId: each.asked.id }), each.sound],
  (each) => [notice(each, each.random.pick(['', '\u0000', '__proto__', 'initialize'])), each.sound],
  ({ sound }) => [`[${sound}]`],
  (each) => [`[${notice(each, 'notifications/message')},${each.sound},${each.sound}]`],
  ({ sound }) => [`${sound}${sound}`],
  ({ sound }) => [`\n\n  ${sound}  \n`],
  ({ sound }) => [Buffer.concat([Buffer.from('\ufeff'), Buffer.from(sound)])],
  ({ sound }) => [Buffer.concat([Buffer.from(sound.slice(0, -2)), Buffer.from([0xff, 0xc0])])],
  ({ sound }) => [sound.replace('"result"', '"error"')],
  ({ sound }) => [sound.replace('{', '{"error":{"code":1,"message":"both"},')],
  ({ sound }) => [sound.replace(/,"result":.*$/s, '}')],
  ({ sound }) => [sound.replace('"2.0"', '"1.0"')],
  ({ sound }) => [sound.replace('"jsonrpc":"2.0",', '')],
  ({ random, asked, sound }) => [
    sound.replace(
      '{',
      `{"${random.pick(['ID', 'Id', 'id', '\\u0069d'])}":${Number(asked.id) + 1},`,
    ),
  ],
  (each) => [withId(each, JSON.stringify(each.asked.id ?? null), oddValue(each.random))],
  (each) => [
    `{"jsonrpc":"2.0","id":${JSON.stringify(each.asked.id ?? null)},"error":${oddValue(each.random)}}`,
  ],
  (each) => [
    `{"jsonrpc":"2.0","id":${JSON.stringify(each.asked.id ?? null)},"error":{"code":${oddValue(each.random)},"message":${oddValue(each.random)}}}`,
  ],
  ({ random, sound }) => [
    sound.replace(/"(protocolVersion|resultType|name|type|uri)":"[^"]*"/, (_, name: string) => {
      const odd = [
        '2025-11-25\\u2028',
        '1999-01-01',
        '',
        '2025-11-25\\r\\nX: y',
        '\\u0000',
        'é\\ud800',
      ]
      return `"${name}":"${random.pick(['\u2028', ...odd])}"`
    }),
  ],
  ({ random, sound }) => [sound.replace(/"result":\{.*\}(?=\}$)/s, `"result":${oddValue(random)}`)],
  (each) => [
    withId(
      each,
      JSON.stringify(each.asked.id ?? null),
      each.random.chance(0.5) ? nested('[', ']', 200_000) : nested('{"a":', '}', 100_000),
    ),
  ],
  ({ random }) => [random.pick(['[', '{"a":', '{"result":[']).repeat(600_000)],
  (each) => [
    withId(
      each,
      JSON.stringify(each.asked.id ?? null),
      `{"content":[{"type":"text","text":"${'x'.repeat((1 + each.random.below(8)) * megabyte)}"}]}`,
    ),
  ],
  ({ random }) => [random.pick(['<!doctype html><h1>Oops</h1>', 'OK', '', ' ', '\u0000', 'null'])],
]
