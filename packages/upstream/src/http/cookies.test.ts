import { expect, it } from 'vitest'
import { withCookies } from './cookies.js'

const set = (cookies: string, ...lines: string[]) => withCookies(cookies, { 'set-cookie': lines })

it.each([
  ['keeps what is set', '', ['a=1; Path=/; HttpOnly'], 'a=1'],
  ['keeps several', '', ['a=1', 'b=2; Expires=Wed, 01 Jan 2200 00:00:00 GMT'], 'a=1; b=2'],
  ['replaces one of the same name', 'a=1; b=2', ['a=x=y'], 'a=x=y; b=2'],
  ['removes what is over', 'a=1; b=2', ['a=; Max-Age=0'], 'b=2'],
  ['removes what has expired', 'a=1', ['a=2; expires=Thu, 01 Jan 1970 00:00:00 GMT'], ''],
  ['passes over what is no cookie', 'a=1', ['nothing', '=2', 'b c=3', 'd=\x01'], 'a=1'],
  ['keeps an empty value', '', ['a='], 'a='],
])('%s', (_, before, lines, after) => {
  expect(set(before, ...lines)).toBe(after)
})

it('is bounded', () => {
  const many = Array.from({ length: 200 }, (_, n) => `c${n}=1`)
  expect(set('', ...many).split('; ')).toHaveLength(50)
  expect(set('a=1', `b=${'x'.repeat(10_000)}`)).toBe('a=1')
})

it('is the same without any', () => {
  expect(withCookies('a=1', {})).toBe('a=1')
})
