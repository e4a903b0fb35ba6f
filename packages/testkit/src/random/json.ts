import type { Random } from './random.js'

/** What a scanner may trip over: quotes, escapes, brackets and white space inside of strings, more than one byte per letter. */
const pieces = [
  'a',
  'id',
  '{',
  '}',
  '[',
  ']',
  ',',
  ':',
  ' ',
  '\\"',
  '\\\\',
  '\\n',
  '\\u0000',
  '\\u007b',
  '\\ud83d\\ude00',
  '\\ud800',
  'é',
  '日本',
  '😀',
  '\u2028',
  '"id":1'.replaceAll('"', '\\"'),
]

const numbers = [
  '0',
  '-0',
  '1',
  '-7',
  '42',
  '1.0',
  '1.5',
  '1e2',
  '1E-2',
  '9007199254740991',
  '9007199254740993',
  '-123456789012345678901234567890',
]

export const space = (random: Random): string =>
  random.chance(0.6) ? '' : random.pick([' ', '\n', '\t', '\r\n', '  \n\t '])

export const randomString = (random: Random): string =>
  `"${Array.from({ length: random.below(6) }, () => random.pick(pieces)).join('')}"`

export const randomNumber = (random: Random): string => random.pick(numbers)

/** randomValue is the text of any JSON value, nested `depth` deep at most. */
export const randomValue = (random: Random, depth: number): string => {
  const kind = random.below(depth > 0 ? 6 : 4)
  const some = <T>(make: () => T): T[] => Array.from({ length: random.below(4) }, make)
  const spaced = (text: string): string => space(random) + text + space(random)
  switch (kind) {
    case 0:
      return randomString(random)
    case 1:
    case 2:
      return randomNumber(random)
    case 3:
      return random.pick(['true', 'false', 'null'])
    case 4:
      return `[${some(() => spaced(randomValue(random, depth - 1))).join(',')}${space(random)}]`
    default: {
      const member = (): string =>
        `${spaced(randomString(random))}:${spaced(randomValue(random, depth - 1))}`
      return `{${some(member).join(',')}${space(random)}}`
    }
  }
}

/** spelled writes a key, sometimes with letters as \u escapes. */
export const spelled = (random: Random, key: string): string => {
  if (random.chance(0.8)) return `"${key}"`
  const letters = Array.from(key).map((letter) =>
    random.chance(0.5) ? letter : `\\u${letter.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
  return `"${letters.join('')}"`
}

const keys = ['jsonrpc', 'id', 'method', 'params', 'result', 'error', 'extra', 'ids', '_meta', '']

/** randomEnvelope is an object with some of the keys of JSON-RPC, in any order. */
export const randomEnvelope = (random: Random): string => {
  const picked = new Set(Array.from({ length: random.below(7) }, () => random.pick(keys)))
  const members = Array.from(picked, (name) => {
    const key = spelled(random, name)
    const value = randomValue(random, 3)
    return space(random) + key + space(random) + ':' + space(random) + value + space(random)
  })
  return `${space(random)}{${members.join(',') || space(random)}}${space(random)}`
}

/** mutated is the bytes with a few of them changed, put in, or left out. */
export const mutated = (random: Random, bytes: Buffer): Buffer => {
  let result = bytes
  for (let times = 1 + random.below(3); times > 0; times--) {
    const at = random.below(result.length + 1)
    const put = random.pick(['{', '}', '[', ']', '"', '\\', ',', ':', ' ', '0', '\xff'])
    const skip = random.below(2)
    const insert = random.chance(0.6) ? Buffer.from(put, 'latin1') : Buffer.alloc(0)
    result = Buffer.concat([result.subarray(0, at), insert, result.subarray(at + skip)])
  }
  return result
}
