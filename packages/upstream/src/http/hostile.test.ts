import type { Socket } from 'node:net'
import { brotliCompressSync, deflateRawSync, deflateSync, gzipSync } from 'node:zlib'
import { openRaw } from '@mcp-router/testkit/server'
import type { Scheme } from '@mcp-router/testkit/server'
import { describe, expect, it, onTestFinished } from 'vitest'
import { BadAnswer } from './bad-answer.js'
import { createHttpClient } from './client.js'
import { post } from './post.js'

const maxResponseBytes = 200_000

const openClient = (responseIdleMs = 10_000) => {
  const client = createHttpClient({ connectTimeoutMs: 5_000, maxResponseBytes, responseIdleMs })
  onTestFinished(() => client.close())
  return client
}

const head = (status: string, ...lines: string[]) =>
  [`HTTP/1.1 ${status}`, ...lines, '', ''].join('\r\n')

/** Writes the pieces one after the other, each on its own. */
const write = (socket: Socket, ...pieces: (string | Buffer)[]): void => {
  const [piece, ...rest] = pieces
  if (piece === undefined || socket.destroyed) return
  socket.write(typeof piece === 'string' ? Buffer.from(piece, 'latin1') : piece, () =>
    setImmediate(() => write(socket, ...rest)),
  )
}

const ask = (origin: string, client = openClient(), taker?: Parameters<typeof post>[2]['taker']) =>
  post(client, `${origin}/mcp?a=b`, {
    method: 'POST',
    headers: ['content-type', 'application/json'],
    body: Buffer.from('{"ask":1}'),
    ...(taker && { taker }),
  }).answer

/** Answers every request with these pieces. */
const answering = (scheme: Scheme, ...pieces: (string | Buffer)[]) =>
  openRaw(scheme, (socket) => write(socket, ...pieces))

const json = 'Content-Type: application/json'

describe.each(['http', 'https'] as const)('over %s', (scheme) => {
  describe('an answer is the error of its server', () => {
    it.each<[string, string, string]>([
      [
        'with both framings, the shorter one its length',
        head('200 OK', json, 'Transfer-Encoding: chunked', 'Content-Length: 2'),
        '2\r\n{}\r\n0\r\n\r\n',
      ],
      [
        'with both framings, the length first',
        head('200 OK', json, 'Content-Length: 2', 'Transfer-Encoding: chunked'),
        '2\r\n{}\r\n0\r\n\r\n',
      ],
      ['with two lengths', head('200 OK', json, 'Content-Length: 2', 'Content-Length: 3'), '{} '],
      ['with a control character', head('200 OK', `${json}\x01`, 'Content-Length: 2'), '{}'],
      ['with DEL in a header', head('200 OK', 'Allow: \x7f', 'Content-Length: 2'), '{}'],
      ['with LF at the ends of its lines', `HTTP/1.1 200 OK\n${json}\nContent-Length: 2\n\n`, '{}'],
      ['with a lone line break', head('200 OK', 'Retry-After: 1\nX: y', 'Content-Length: 2'), '{}'],
      ['with a blank before the colon', head('200 OK', 'Content-Length : 2'), '{}'],
      ['with NUL in a name', head('200 OK', 'A\0: b', 'Content-Length: 2'), '{}'],
      ['without HTTP', 'SSH-2.0-OpenSSH\r\n\r\n', ''],
      ['of a status that is none', head('099 Low', 'Content-Length: 2'), '{}'],
      ['longer than allowed', head('200 OK', json, 'Content-Length: 999999'), '['.repeat(300_000)],
    ])('%s', async (_, first, second) => {
      for (const pieces of [[first + second], [first, second]]) {
        const { origin, asked } = await answering(scheme, ...pieces)
        const error: unknown = await ask(origin, openClient(500)).catch((thrown: unknown) => thrown)
        expect(error).toBeInstanceOf(BadAnswer)
        expect(asked.length).toBeLessThanOrEqual(2)
      }
    })

    it('that never ends, which is read no further', async () => {
      let written = 0
      const { origin, sockets } = await openRaw(scheme, (socket) => {
        socket.write(head('200 OK', json, 'Transfer-Encoding: chunked'))
        const chunk = Buffer.from(`8000\r\n${'['.repeat(0x8000)}\r\n`)
        const flood = (): void => {
          while (!socket.destroyed && socket.write(chunk)) written += chunk.length
          if (!socket.destroyed) socket.once('drain', flood)
        }
        flood()
      })
      await expect(ask(origin)).rejects.toThrow(`more than ${maxResponseBytes} bytes`)
      await expect
        .poll(() => [...sockets].every(({ destroyed }) => destroyed), { timeout: 10_000 })
        .toBe(true)
      expect(written).toBeLessThan(32 * 1024 * 1024)
    })

    it('that stops in the middle, at the limit of its silence', async () => {
      const { origin } = await answering(
        scheme,
        head('200 OK', json, 'Content-Length: 90') + '{"a"',
      )
      await expect(ask(origin, openClient(100))).rejects.toThrow(
        'the beginning of a body (4 bytes)',
      )
    })
  })

  it('a stream may keep silent, and be longer than an answer', async () => {
    const event = `data: ${'x'.repeat(1_000)}\n\n`
    let streamed = 0
    const { origin } = await openRaw(scheme, (socket) => {
      write(socket, head('200 OK', 'Content-Type: Text/Event-Stream; charset=utf-8'), event)
      setTimeout(() => {
        write(socket, event.repeat(400))
        socket.end()
      }, 400)
    })
    await ask(origin, openClient(100), () => (chunk) => void (streamed += chunk.length))
    expect(streamed).toBe(event.length * 401)
  })

  it('asks for a body as it is', async () => {
    const { origin, asked } = await answering(scheme, head('200 OK', 'Content-Length: 0'))
    await ask(origin)
    expect(asked[0]?.toLowerCase()).toContain('\r\naccept-encoding: identity\r\n')
  })

  describe('a body that is compressed all the same', () => {
    const body = JSON.stringify({ text: 'é'.repeat(5_000) })
    const coded = (coding: string, bytes: Buffer) =>
      Buffer.concat([
        Buffer.from(
          head('200 OK', json, `Content-Encoding: ${coding}`, `Content-Length: ${bytes.length}`),
        ),
        bytes,
      ])

    it.each([
      ['gzip', gzipSync(body)],
      ['GZIP', gzipSync(body)],
      ['deflate', deflateSync(body)],
      ['deflate', deflateRawSync(body)],
      ['br', brotliCompressSync(body)],
      ['identity', Buffer.from(body)],
    ])('by %s is decoded', async (coding, bytes) => {
      const { origin } = await answering(scheme, coded(coding, bytes))
      const client = openClient()
      for (let times = 0; times < 2; times++) {
        const answer = await ask(origin, client)
        expect(answer.body.toString()).toBe(body)
        expect(answer.headers['content-encoding'] ?? 'identity').toBe('identity')
      }
    })

    it('may be a stream, whose events come as they are sent', async () => {
      const events = gzipSync('data: 1\n\ndata: 2\n\n')
      const type = 'Content-Type: text/event-stream'
      const { origin } = await answering(
        scheme,
        coded('gzip', events).toString('latin1').replace(json, type),
      )
      const came: string[] = []
      await ask(origin, openClient(), () => (chunk) => void came.push(chunk.toString()))
      expect(came.join('')).toBe('data: 1\n\ndata: 2\n\n')
    })

    it.each([
      ['by a coding that nobody knows', 'x-secret', gzipSync(body), 'content coding "x-secret"'],
      ['in name only', 'gzip', Buffer.from(body), 'not gzip'],
      ['and cut off', 'gzip', gzipSync(body).subarray(0, 20), 'not gzip'],
      ['to a fraction', 'gzip', gzipSync(Buffer.alloc(50_000_000)), 'bytes, decoded'],
    ])('%s is the error of its server', async (_, coding, bytes, text) => {
      const { origin } = await answering(scheme, coded(coding, bytes))
      const error: unknown = await ask(origin).catch((thrown: unknown) => thrown)
      expect(error).toBeInstanceOf(BadAnswer)
      expect(String(error)).toContain(text)
    })
  })

  describe('a redirect', () => {
    const to = (location: string, status = '307 Temporary Redirect') =>
      head(status, `Location: ${location}`, 'Content-Length: 4') + 'away'

    it.each(['307 Temporary Redirect', '308 Permanent Redirect'])(
      'by %s within the origin is followed, method and body kept',
      async (status) => {
        const { origin, asked } = await openRaw(scheme, (socket, text) =>
          text.startsWith('POST /mcp?a=b ')
            ? write(socket, to('/mcp/?a=b', status))
            : write(socket, head('200 OK', json, 'Content-Length: 2') + '{}'),
        )
        const client = openClient()
        for (let times = 0; times < 2; times++)
          expect((await ask(origin, client)).body.toString()).toBe('{}')
        const last = asked.at(-1)
        expect(last).toMatch(/^POST \/mcp\/\?a=b HTTP/)
        expect(last).toContain('{"ask":1}')
      },
    )

    it.each([
      ['to another origin', 'http://127.0.0.1:1/mcp', 'to another address, which is not followed'],
      ['that names no address', '', 'to another address, which is not followed'],
      ['to itself', '/mcp?a=b', 'more than 5 redirects'],
    ])('%s is the error of its server', async (_, location, text) => {
      const { origin } = await answering(scheme, to(location))
      const error: unknown = await ask(origin).catch((thrown: unknown) => thrown)
      expect(error).toBeInstanceOf(BadAnswer)
      expect(String(error)).toContain(text)
    })
  })

  it('what a handler throws fails its own request and nothing else', async () => {
    const { origin } = await answering(scheme, head('200 OK', 'Content-Length: 2') + '{}')
    const client = openClient()
    for (const method of ['onResponseStart', 'onResponseData', 'onResponseEnd'] as const) {
      const failed = new Promise<Error>((resolve) => {
        const handler = {
          onRequestStart: () => undefined,
          onResponseStart: () => undefined,
          onResponseData: () => undefined,
          onResponseEnd: () => undefined,
          [method]: () => {
            throw new Error(method)
          },
          onResponseError: (_: unknown, error: Error) => resolve(error),
        }
        client.dispatch(origin, { method: 'POST', headers: [], body: Buffer.from('{}') }, handler)
      })
      expect((await failed).message).toBe(method)
      expect((await ask(origin, client)).status).toBe(200)
    }
  })
})
