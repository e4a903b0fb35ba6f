import { createRandom } from '@mcp-router/testkit/random'
import type { Random } from '@mcp-router/testkit/random'
import { expect, it } from 'vitest'
import { decodeHeaderValue, encodeHeaderValue } from './sentinel.js'

const runs = 4_000

const pieces = ['a', '=', '?', '=?base64?', '?=', 'SGVsbG8=', '=?BASE64?', ' ', '\t', '\n', '\0']
const letters = ['é', '日本', '😀', '\uFEFF', '\x7f', '\u00a0', '/', '+', '!', ',']

const randomText = (random: Random): string =>
  Array.from({ length: random.below(8) }, () =>
    random.pick(random.chance(0.7) ? pieces : letters),
  ).join('')

it('reads back any text it wrote, even padded by a proxy', () => {
  for (let seed = 1; seed <= runs; seed++) {
    const random = createRandom(seed)
    const text = randomText(random)
    const header = encodeHeaderValue(text)
    expect(decodeHeaderValue(header), `seed ${seed}`).toBe(text)
    expect(decodeHeaderValue(`${random.pick(['', ' ', '\t '])}${header} `)).toBe(text)
  }
})

it('writes nothing that a header cannot carry, trimmed as a proxy may trim it', () => {
  for (let seed = 1; seed <= runs; seed++) {
    const header = encodeHeaderValue(randomText(createRandom(seed)))
    expect(header, `seed ${seed}`).toMatch(/^[\x21-\x7e]([\t\x20-\x7e]*[\x21-\x7e])?$/)
  }
})

it('reads any header as one text or none: what it reads, it writes so that it reads the same', () => {
  let refused = 0
  for (let seed = 1; seed <= runs; seed++) {
    const text = decodeHeaderValue(randomText(createRandom(seed)))
    if (text === undefined) refused++
    else expect(decodeHeaderValue(encodeHeaderValue(text)), `seed ${seed}`).toBe(text)
  }
  // Both sides of the test were reached.
  expect(refused).toBeGreaterThan(runs / 10)
  expect(refused).toBeLessThan((runs * 9) / 10)
})
