import { IncomingMessage } from 'node:http'
import { Socket } from 'node:net'
import { expect, it } from 'vitest'
import { publicBase } from './public-url.js'

const base = (headers: IncomingMessage['headers']) =>
  publicBase(Object.assign(new IncomingMessage(new Socket()), { headers }))
const host = 'router.local:8051'

it.each([
  ['the Host it came to', { host }, 'http://router.local:8051'],
  ['localhost where there is none', {}, 'http://localhost'],
  [
    'what a proxy says',
    { host, 'x-forwarded-proto': 'https', 'x-forwarded-host': 'mcp.example' },
    'https://mcp.example',
  ],
  [
    'a port in the host',
    { host, 'x-forwarded-host': 'mcp.example:8443', 'x-forwarded-port': '9' },
    'http://mcp.example:8443',
  ],
  [
    'a forwarded port',
    { host, 'x-forwarded-host': 'mcp.example', 'x-forwarded-port': '8080' },
    'http://mcp.example:8080',
  ],
  [
    'no standard port',
    { host: 'h', 'x-forwarded-proto': 'https', 'x-forwarded-port': '443' },
    'https://h',
  ],
  [
    'the port where it is not the scheme’s',
    { host: 'h', 'x-forwarded-port': '443' },
    'http://h:443',
  ],
  [
    'a prefix',
    { host, 'x-forwarded-prefix': '/mcp-bridge' },
    'http://router.local:8051/mcp-bridge',
  ],
  [
    'a prefix with a slash behind it',
    { host, 'x-forwarded-prefix': '/a/b/' },
    'http://router.local:8051/a/b',
  ],
  [
    'the first of several proxies',
    { host, 'x-forwarded-host': 'a.example, b.example' },
    'http://a.example',
  ],
  ['an IPv6 address', { host: '[::1]:8051' }, 'http://[::1]:8051'],
  [
    'no prefix that is none',
    { host, 'x-forwarded-prefix': '//evil.example' },
    'http://router.local:8051',
  ],
  ['no prefix with a query', { host, 'x-forwarded-prefix': '/a?b=' }, 'http://router.local:8051'],
  [
    'http for a scheme that is neither',
    { host, 'x-forwarded-proto': 'javascript' },
    'http://router.local:8051',
  ],
  ['no port that is none', { host: 'h', 'x-forwarded-port': '80/x' }, 'http://h'],
])('takes %s', (_, headers, expected) => {
  expect(base(headers)).toBe(expected)
})
