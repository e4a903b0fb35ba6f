import { once } from 'node:events'
import { IncomingMessage } from 'node:http'
import { connect } from 'node:net'
import { createRandom } from '@mcp-router/testkit/random'
import type { Random } from '@mcp-router/testkit/random'
import type { EdgeRequest, EdgeResponse } from '@mcp-router/router'
import { describe, expect, it, onTestFinished } from 'vitest'
import { listen } from './listener.js'

const limits = { requestHeadMs: 10_000, requestMs: 10_000, idleConnectionMs: 10_000 }

/** What a handler was given, in its response. */
const echo = (req: EdgeRequest, body: Buffer, res: EdgeResponse): void => {
  const { method, url, rawHeaders, headers } = req
  const known = Object.entries(headers).filter(([, value]) => value !== undefined)
  const seen = { method, url, rawHeaders, headers: known.sort(), body: body.toString('latin1') }
  res.writeHead(200, ['content-type', 'application/json']).end(JSON.stringify(seen))
}

/** open returns what sends bytes, and then nothing more, and resolves with all that came back. */
const open = async (serve: (req: EdgeRequest, res: EdgeResponse) => boolean) => {
  const listener = await listen('127.0.0.1', 0, limits, {
    serve,
    otherwise(req, res) {
      const chunks: Buffer[] = []
      req.on('data', (chunk: Buffer) => chunks.push(chunk))
      req.on('end', () => echo(req, Buffer.concat(chunks), res))
    },
  })
  onTestFinished(() => listener.close())
  const { port } = new URL(listener.address)
  return async (pieces: readonly string[], end = true): Promise<string> => {
    const socket = connect(Number(port), '127.0.0.1')
    const chunks: Buffer[] = []
    socket.on('data', (chunk: Buffer) => chunks.push(chunk))
    socket.on('error', () => undefined)
    const closed = once(socket, 'close')
    await once(socket, 'connect')
    for (const piece of pieces) {
      socket.write(piece, 'latin1')
      // It arrives by itself.
      await new Promise(setImmediate)
    }
    if (end) socket.end()
    await closed
    return Buffer.concat(chunks).toString('latin1')
  }
}

let plainly = 0
const byPlain = () =>
  open((req, res) => {
    if (req instanceof IncomingMessage) return false
    plainly++
    echo(req, (req.read() as Buffer | null) ?? Buffer.alloc(0), res)
    return true
  })
const byNode = () => open(() => false)

/** The status and the body of each response; how a body is framed, and the order of fields, are the writer's. */
const meaning = (text: string): readonly string[] =>
  text
    .split(/(?=HTTP\/1\.1 \d{3} )/)
    .filter((part) => part !== '')
    .map((part) => {
      const status = part.slice(0, part.indexOf('\r\n'))
      return `${status} ${/\{.*\}/s.exec(part)?.[0] ?? ''}`
    })

const head = 'POST /mcp/x HTTP/1.1\r\nHost: localhost\r\n'
const body = '{"jsonrpc":"2.0"}'
const length = `Content-Length: ${body.length}\r\n`
const plain = `${head}${length}\r\n${body}`
const withField = (field: string): string => `${head}${length}${field}\r\n${body}`

/** RFC 9112 and what is known of request smuggling (CWE-444). */
const framings: readonly (readonly [string, string])[] = [
  ['a plain POST', plain],
  ['a plain GET', 'GET /mcp/x HTTP/1.1\r\nHost: localhost\r\nAccept: text/event-stream\r\n\r\n'],
  ['a plain DELETE', 'DELETE /mcp/x HTTP/1.1\r\nHost: localhost\r\nMcp-Session-Id: 1\r\n\r\n'],
  ['two in a row', plain + plain],
  [
    'a plain one before a chunked one',
    `${plain}${head}Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n`,
  ],
  ['TE and CL', withField('Transfer-Encoding: chunked\r\n')],
  ['TE that is no coding', withField('Transfer-Encoding: xchunked\r\n')],
  ['TE with a space before the colon', withField('Transfer-Encoding : chunked\r\n')],
  ['TE behind a tab', withField('Transfer-Encoding:\tchunked\r\n')],
  ['TE in a continued line', withField('X-A: b\r\n Transfer-Encoding: chunked\r\n')],
  ['TE in a vertical tab', withField('Transfer-Encoding:\x0bchunked\r\n')],
  ['two equal CLs', withField(length)],
  ['two CLs', withField('Content-Length: 2\r\n')],
  ['a list of CLs', `${head}Content-Length: 17, 17\r\n\r\n${body}`],
  ['a CL with a sign', `${head}Content-Length: +17\r\n\r\n${body}`],
  ['a negative CL', `${head}Content-Length: -1\r\n\r\n`],
  ['a CL with leading zeros', `${head}Content-Length: 017\r\n\r\n${body}`],
  ['a CL in hex', `${head}Content-Length: 0x11\r\n\r\n${body}`],
  ['a CL with a space in it', `${head}Content-Length: 1 7\r\n\r\n${body}`],
  ['a CL of nothing', `${head}Content-Length: \r\n\r\n${body}`],
  ['a huge CL', `${head}Content-Length: 99999999999999999999\r\n\r\n${body}`],
  ['a CL behind the body', `${head}\r\n${body}`],
  ['a CL with an underscore', `${head}Content_Length: 17\r\n\r\n${body}`],
  ['a CL in an odd case', `${head}cONTENT-lENGTH: 17\r\n\r\n${body}`],
  ['a GET with a body', 'GET /mcp/x HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\n{}'],
  ['bare LF', plain.replaceAll('\r\n', '\n')],
  ['a bare LF in one line', withField('X-A: b\nContent-Length: 2\r\n')],
  ['a bare CR in a value', withField('X-A: b\rContent-Length: 2\r\n')],
  ['a bare CR at the end', `${head}${length}\r\r\n${body}`],
  ['an obs-fold', withField('X-A: b\r\n c\r\n')],
  ['NUL in a value', withField('X-A: b\0c\r\n')],
  ['NUL in a name', withField('X\0A: b\r\n')],
  ['bytes beyond ASCII', withField('X-A: b\xe9\r\n')],
  ['no space behind a colon', withField('X-A:b\r\n')],
  ['spaces around a value', withField('X-A:   b  \r\n')],
  ['an empty value', withField('X-A: \r\n')],
  ['an empty name', withField(': b\r\n')],
  ['a line without a colon', withField('X-A\r\n')],
  ['no Host', `POST /mcp/x HTTP/1.1\r\n${length}\r\n${body}`],
  ['two Hosts', withField('host: evil\r\n')],
  ['an empty Host', `POST /mcp/x HTTP/1.1\r\nHost: \r\n${length}\r\n${body}`],
  ['a field twice', withField('Accept: a\r\nAccept: b\r\n')],
  ['__proto__', withField('__proto__: b\r\n')],
  ['constructor', withField('constructor: b\r\n')],
  ['HTTP/1.0', plain.replace('1.1', '1.0')],
  ['HTTP/0.9', 'GET /mcp/x\r\n\r\n'],
  ['HTTP/2.0', plain.replace('1.1', '2.0')],
  ['another protocol', plain.replace('HTTP/1.1', 'ICE/1.1')],
  ['lower case http', plain.replace('HTTP/1.1', 'http/1.1')],
  ['an absolute target', plain.replace('/mcp/x', 'http://evil/mcp/x')],
  ['a target with a space', plain.replace('/mcp/x', '/mcp/x y')],
  ['two spaces behind the method', plain.replace('POST ', 'POST  ')],
  ['a tab behind the method', plain.replace('POST ', 'POST\t')],
  ['a method in lower case', plain.replace('POST', 'post')],
  ['a method that begins alike', plain.replace('POST', 'POSTS')],
  ['an empty line first', `\r\n${plain}`],
  ['a fragment', plain.replace('/mcp/x', '/mcp/x#y')],
  ['Expect', withField('Expect: 100-continue\r\n')],
  ['Upgrade', withField('Connection: Upgrade\r\nUpgrade: h2c\r\n')],
  ['Connection: close', withField('Connection: close\r\n')],
  ['Connection: keep-alive', withField('Connection: Keep-Alive\r\n')],
  ['Connection: a field', withField('Connection: X-Request-Id\r\n')],
  ['an Origin', withField('Origin: http://localhost\r\n')],
  ['half a head', head],
  ['half a body', plain.slice(0, -3)],
  ['what is not HTTP', '\x16\x03\x01\x02'],
  ['the preface of HTTP/2', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'],
  ['a long head', withField(`X-A: ${'a'.repeat(9_000)}\r\n`)],
  ['a head too long for anybody', withField(`X-A: ${'a'.repeat(20_000)}\r\n`)],
  ['a long body', `${head}Content-Length: 100000\r\n\r\n${'x'.repeat(100_000)}`],
]

describe('requests mean the same with and without node:http:', () => {
  it.each(framings)('%s', async (_, text) => {
    const [own, node] = [await byPlain(), await byNode()]
    const expected = meaning(await node([text]))
    expect(meaning(await own([text]))).toEqual(expected)
    // In pieces, cut where a parser may stumble.
    const at = Math.floor(text.length / 2)
    expect(meaning(await own([text.slice(0, at), text.slice(at)]))).toEqual(expected)
  })

  it('whatever is done to them', { timeout: 60_000 }, async () => {
    const [own, node] = [await byPlain(), await byNode()]
    const before = plainly
    const random = createRandom(20_261_201)
    for (let n = 0; n < 2_000; n++) {
      const text = mutated(random)
      const mine = meaning(await own([text]))
      const nodes = meaning(await node([text]))
      const [first = '', ...others] = mine
      if (nodes.length === mine.length) expect(mine, JSON.stringify(text)).toEqual(nodes)
      else {
        // What it cannot read behind a request comes too early for node:http, which gives up both.
        const end = text.indexOf('\r\n\r\n') + 4 + lengthIn(first)
        expect(meaning(await node([text.slice(0, end)])), JSON.stringify(text)).toEqual([first])
        expect(meaning(await node([text.slice(end)])), JSON.stringify(text)).toEqual(others)
      }
    }
    // Many of them were plain all the same.
    expect(plainly - before).toBeGreaterThan(100)
  })
})

const lengthIn = (response: string): number =>
  Number(/\["content-length","(\d+)"\]/.exec(response)?.[1])

const odd = ['\r', '\n', '\r\n', ' ', '\t', ':', '\0', ',', '0', '1', 'a', '\x80', '/', ';', '-']
const fields = [
  'Accept: application/json, text/event-stream\r\n',
  'Transfer-Encoding: chunked\r\n',
  'Content-Length: 3\r\n',
  'Connection: keep-alive\r\n',
  'X-Request-Id: 0a1b2c\r\n',
  'Mcp-Session-Id: 7\r\n',
  'Cookie: a=b; c=d\r\n',
]

const mutated = (random: Random): string => {
  const pick = <T>(all: readonly T[]): T => all[random.below(all.length)] as T
  const extra = Array.from({ length: random.below(3) }, () => pick(fields)).join('')
  let text = withField(extra)
  for (let times = random.below(3); times > 0; times--) {
    const at = random.below(text.length)
    const cut = random.below(2)
    text = text.slice(0, at) + (random.below(4) === 0 ? '' : pick(odd)) + text.slice(at + cut)
  }
  return text
}
