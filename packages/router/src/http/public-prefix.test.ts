import { IncomingMessage } from 'node:http'
import { Socket } from 'node:net'
import { expect, it } from 'vitest'
import { publicPrefix } from './public-prefix.js'

const prefixOf = (given?: string): string => {
  const headers = given === undefined ? {} : { 'x-forwarded-prefix': given }
  return publicPrefix(Object.assign(new IncomingMessage(new Socket()), { headers }))
}

it.each([
  [undefined, ''],
  ['/mcp-bridge', '/mcp-bridge'],
  ['/a/b/', '/a/b'],
  ['/', ''],
  ['/a, /b', '/a'],
])('the prefix %s is %j', (given, prefix) => {
  expect(prefixOf(given)).toBe(prefix)
})

it.each(['//evil.example', '/a?b=', 'https://evil.example', '/a b', '/a#b'])(
  'no prefix is %s, which would lead elsewhere',
  (given) => {
    expect(prefixOf(given)).toBe('')
  },
)
