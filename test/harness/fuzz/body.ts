import type { Random } from '@mcp-router/testkit/random'

/** mutateBody spoils the text of a message, or of several, in one of the ways in which clients, proxies and attackers do. */
export const mutateBody = (random: Random, text: string): string | Buffer =>
  random.pick(bodyMutations)(random, text)

/** oddValue is JSON that stands where something else belongs. */
export const oddValue = (random: Random): string =>
  random.pick<() => string>([
    () => 'null',
    () => 'true',
    () => '{}',
    () => '[]',
    () => '-0',
    () => '1e400',
    () => '1.5',
    () => '9007199254740993',
    () => `-${'9'.repeat(random.below(400) + 1)}`,
    () => `"${random.pick(oddTexts)}"`,
    () => `"${'x'.repeat(random.below(100_000))}"`,
    () => nested(random, random.pick([10, 100, 1_000, 5_000])),
  ])()

/** Texts as they stand between the quotes of JSON. */
const oddTexts = [
  '',
  '\\u0000',
  '\\ud800',
  '\\udfff\\ud800',
  '\u2028\u2029',
  '\\u202e\u200b\ufeff',
  '😀é',
  'a\u0301',
  '__proto__',
  'constructor',
  '\\"}],[{\\"',
  '../../etc/passwd',
  '=?base64?!!!?=',
] as const

const nested = (random: Random, depth: number): string =>
  random.chance(0.5)
    ? `${'['.repeat(depth)}${']'.repeat(depth)}`
    : `${'{"a":'.repeat(depth)}1${'}'.repeat(depth)}`

const members = ['jsonrpc', 'id', 'method', 'params', '_meta', 'result', 'error'] as const
const values = /("(?:jsonrpc|id|method|params|name|arguments|_meta|[\w./]+)"):("[^"]*"|-?\d+|\{\})/g

type Mutation = (random: Random, text: string) => string | Buffer

const bodyMutations: readonly [Mutation, ...Mutation[]] = [
  (random, text) => text.slice(0, random.below(text.length)),
  (random, text) => text.slice(random.below(text.length)),
  // A second member of a name: before the one that counts, and behind it.
  (random, text) => text.replace('{', `{"${random.pick(members)}":${oddValue(random)},`),
  (random, text) =>
    text.replace(
      /\}(\]?)$/,
      `,"${random.pick(members)}":${oddValue(random).replaceAll('$', '')}}$1`,
    ),
  (random, text) => {
    const found = [...text.matchAll(values)]
    const one = found[random.below(found.length)]
    if (!one) return text
    const from = one.index + (one[1]?.length ?? 0) + 1
    return text.slice(0, from) + oddValue(random) + text.slice(one.index + one[0].length)
  },
  (random, text) => {
    const bytes = Buffer.from(text)
    for (let times = random.below(4); times >= 0; times--)
      bytes[random.below(bytes.length)] = random.below(256)
    return bytes
  },
  (random, text) => {
    const at = random.below(text.length)
    const piece = random.pick(['\u0000', '\ufeff', '\\', '"', '}', '{', ',', '\r\n', '/*x*/'])
    return text.slice(0, at) + piece + text.slice(at)
  },
  (random, text) => text.replace(/[:,]/g, (sign) => sign + ' \r\n\t'.repeat(random.below(3))),
  (random, text) =>
    Array<string>(random.below(3) + 1)
      .fill(text)
      .join(random.pick(['', '\n', ','])),
  (random) => oddValue(random),
  (random, text) =>
    `[${Array<string>(random.pick([0, 1, 2, 3, 101]))
      .fill(text)
      .join()}]`,
  (random, text) => `[${text},${oddValue(random)},[${text}]]`,
  (_, text) => Buffer.from(`\ufeff${text}`, 'utf16le'),
  (_, text) => text.replaceAll('"', "'"),
  (_, text) => encodeURIComponent(text),
  () => '',
]
