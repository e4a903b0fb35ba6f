import type { Random } from '@mcp-router/testkit/random'
import { bytesOf } from './act.js'
import type { Reply } from './reply.js'

/** withOddHeaders adds what intermediaries copy, obey, or stumble over. */
export const withOddHeaders = (random: Random, { headers }: Reply, mark: string): void => {
  for (let count = random.below(3); count >= 0; count--) {
    const value = random.chance(0.6) ? `${mark}${random.pick(oddSigns)}` : random.pick(oddValues)
    headers.push([random.pick(names), value])
  }
  const [type] = headers
  if (type && random.chance(0.3)) type[1] += random.pick(oddSigns)
  if (random.chance(0.05)) for (let n = 0; n < 3_000; n++) headers.push([`X-${n}`, mark])
  if (random.chance(0.05)) headers.push(['X-Long', 'x'.repeat(150_000)])
}

const names: readonly [string, ...string[]] = [
  'Content-Type',
  ...['Mcp-Session-Id', 'MCP-Protocol-Version', 'Allow', 'Retry-After'],
  ...['WWW-Authenticate', 'Cache-Control', 'Date', 'Server', 'Set-Cookie', 'Location', 'Link'],
  ...['Connection', 'Keep-Alive', 'Proxy-Connection', 'Upgrade', 'TE', 'Trailer', 'Expect'],
  ...['X-Accel-Redirect', 'X-Accel-Buffering', 'X-Accel-Limit-Rate', 'X-Accel-Expires'],
  ...['X-Request-Id', 'Content-Encoding', 'Content-Length', 'Transfer-Encoding', 'Vary'],
  ...['Access-Control-Allow-Origin', 'Strict-Transport-Security', 'Clear-Site-Data', 'Refresh'],
  ...['__proto__', 'constructor', 'X Odd', '', 'X-Odd ', 'X(odd)', 'X-\u00e9', 'X\u0000', ':'],
]

const oddSigns: readonly [string, ...string[]] = [
  '\u0000',
  ...['\u0001', '\u0007', '\u0008', '\u000b', '\u000c', '\u001b', '\u001f', '\u007f'],
  ...[
    '\u0080',
    '\u00ff',
    '\u2028',
    '😀',
    '\r',
    '\n',
    '\r\n X: folded',
    '\r\nX-Added: y',
    '\r\n\r\n',
  ],
]

const oddValues: readonly [string, ...string[]] = [
  'close',
  ...['keep-alive, Content-Type, Mcp-Session-Id', 'upgrade', 'h2c', 'timeout=0', '0', '1'],
  ...['/etc/passwd', '/api/status', '/mcp/calm', '*', 'chunked', 'gzip', '-1', '1e99', 'Basic "'],
  ...['POST, \u007f', 'Bearer realm="\\"', '', ' ', '100-continue', 'x'.repeat(9_000), '60', 'off'],
]

/** spoilHead changes the bytes of a head: the status line, line breaks, what stands before it, what is missing. */
export const spoilHead = (random: Random, head: Buffer): Buffer =>
  bytesOf(random.pick(spoilers)(head.toString('latin1')))

const spoilers: readonly [(head: string) => string, ...((head: string) => string)[]] = [
  (head) => head.replace('HTTP/1.1', 'HTTP/1.0'),
  (head) => head.replace('HTTP/1.1', 'HTTP/2.0'),
  (head) => head.replace('HTTP/1.1', 'HTTP/0.9'),
  (head) => head.replace('HTTP/1.1', 'HTTP/1.1.1'),
  (head) => head.replace('HTTP/1.1', 'http/1.1'),
  (head) => head.replace('HTTP/1.1', 'ICY'),
  (head) => head.replace('HTTP/1.1 ', ''),
  (head) => head.replace('HTTP/1.1 ', 'HTTP/1.1'),
  (head) => `\r\n\r\n${head}`,
  (head) => ` ${head}`,
  (head) => `\u0016\u0003\u0001${head}`,
  (head) => `PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n${head}`,
  (head) => head.replaceAll('\r\n', '\n'),
  (head) => head.replaceAll('\r\n', '\r'),
  (head) => head.replaceAll(': ', ':'),
  (head) => head.replaceAll(': ', ' : '),
  (head) => head.replace('\r\n', '\r\nno colon\r\n'),
  (head) => head.replace('\r\n', '\r\n: no name\r\n'),
  (head) => head.replace('\r\n', '\r\n folded: first\r\n'),
  (head) => head.replace('\r\n', '\r\nX: a\r\n b\r\n\tc\r\n'),
  (head) => head.slice(0, -2),
  (head) => head.slice(0, head.length / 2),
  (head) => 'HTTP/1.1 100 Continue\r\n\r\n'.repeat(3) + head,
  (head) => 'HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n'.repeat(2_000) + head,
  (head) => `HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\n\r\n${head}`,
  (head) => `HTTP/1.1 102 Processing\r\nContent-Length: 5\r\n\r\n${head}`,
  (head) => head + head,
]
