import { once } from 'node:events'
import { createServer } from 'node:net'
import type { AddressInfo, Socket } from 'node:net'
import { backendOf, httpEndpoint } from '@mcp-router/testkit/backend'
import { aRequest, ask, initialize, jsonOf } from '@mcp-router/testkit/client'
import { begin as beginSse, openGateway } from '@mcp-router/testkit/router'
import { describe, expect, it, onTestFinished } from 'vitest'

interface Message {
  readonly id?: unknown
  readonly method?: string
}

/** A server that speaks by bytes: it opens sessions, and `answer` writes what comes of any other request. */
const openRaw = async (
  answer: (socket: Socket, id: unknown) => void,
  {
    revision = '2025-06-18',
    maxResponseBytes,
  }: { revision?: string; maxResponseBytes?: number } = {},
) => {
  const methods: string[] = []
  const server = createServer((socket) => {
    socket.on('error', () => undefined)
    let text = ''
    socket.on('data', (chunk) => {
      text += chunk.toString()
      const at = text.indexOf('\r\n\r\n')
      const length = Number(/content-length: (\d+)/i.exec(text)?.[1] ?? 0)
      if (at < 0 || text.length < at + 4 + length) return
      const { id, method } = JSON.parse(text.slice(at + 4) || '{}') as Message
      const verb = text.slice(0, text.indexOf(' '))
      text = ''
      methods.push(method ?? verb)
      if (method === 'initialize') {
        const result = { protocolVersion: revision, capabilities: {}, pid: 1 }
        const body = JSON.stringify({ jsonrpc: '2.0', id, result })
        const more = `mcp-session-id: s\r\ncontent-length: ${Buffer.byteLength(body)}`
        socket.write(`HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n${more}\r\n\r\n${body}`)
      } else if (id === undefined) socket.write('HTTP/1.1 202 OK\r\ncontent-length: 0\r\n\r\n')
      else answer(socket, id)
    })
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const sockets = new Set<Socket>()
  server.on('connection', (socket) => sockets.add(socket))
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/mcp`
  const gateway = await openGateway({
    backends: [backendOf('odd', [httpEndpoint(url)])],
    ...(maxResponseBytes && { maxResponseBytes }),
  })
  const asked = (method: string) => methods.filter((each) => each === method).length
  return { gateway, asked, sockets }
}

/** A call on each way to a server with sessions; each resolves with the JSON-RPC error. */
const ways = {
  async pooled(url: string) {
    return jsonOf(await ask(`${url}/mcp/router/route/odd`, { body: aRequest(7, 'tools/list') }))
  },
  async portable(url: string) {
    const { headers } = await initialize(`${url}/mcp/odd`)
    return jsonOf(await ask(`${url}/mcp/odd`, { headers, body: aRequest(7, 'tools/list') }))
  },
}

const json = 'content-type: application/json'
const good = (id: unknown) => `{"jsonrpc":"2.0","id":${JSON.stringify(id)},"result":{}}`

const answerGood = (socket: Socket, id: unknown): void => {
  const body = good(id)
  socket.write(`HTTP/1.1 200 OK\r\n${json}\r\ncontent-length: ${body.length}\r\n\r\n${body}`)
}

const odd: Record<string, (socket: Socket, id: unknown) => void> = {
  'both framings, and an answer of its own making behind them'(socket, id) {
    const body = good(id)
    socket.write(
      `HTTP/1.1 200 OK\r\n${json}\r\ntransfer-encoding: chunked\r\ncontent-length: ${body.length}\r\n\r\n`,
    )
    socket.write(`${body.length.toString(16)}\r\n${body}\r\n`)
    setImmediate(() => socket.write('11\r\nHTTP/1.1 200 OK\r\n\r\n0\r\n\r\n'))
  },
  'a control character in its type, the body in two parts'(socket, id) {
    const body = good(id)
    socket.write(`HTTP/1.1 200 OK\r\n${json}\x01\r\ncontent-length: ${body.length}\r\n\r\n`)
    socket.write(body.slice(0, 5), () => setImmediate(() => socket.write(body.slice(5))))
  },
  'a control character, the body in one part'(socket, id) {
    const body = good(id)
    socket.write(
      `HTTP/1.1 200 OK\r\n${json}\r\nallow: \x7f\r\ncontent-length: ${body.length}\r\n\r\n${body}`,
    )
  },
}

describe.each(Object.keys(ways) as (keyof typeof ways)[])('a %s call', (way) => {
  it.each(Object.keys(odd))('answered with %s fails, once, and nothing else does', async (kind) => {
    const { gateway, asked } = await openRaw(odd[kind]!)
    const told = await ways[way](gateway.url)
    expect(told).toMatchObject({ id: 7, error: { code: -31502 } })
    expect(JSON.stringify(told)).toContain('odd')
    expect(asked('tools/list')).toBe(1)
    const other = await ask(`${gateway.url}/mcp/nobody`, { body: aRequest(1, 'ping') })
    expect(other.status).toBe(404)
  })
})

describe.each(Object.keys(ways) as (keyof typeof ways)[])(
  'an answer to a %s call without end',
  (way) => {
    it('is read up to the limit, and the call is not repeated', async () => {
      let written = 0
      const flood = (socket: Socket): void => {
        const chunk = Buffer.alloc(16_384, '[')
        while (!socket.destroyed && socket.write(chunk)) written += chunk.length
        if (!socket.destroyed) socket.once('drain', () => flood(socket))
      }
      const { gateway, asked, sockets } = await openRaw(
        (socket) => {
          socket.write(`HTTP/1.1 200 OK\r\n${json}\r\n\r\n{"jsonrpc":"2.0","result":`)
          flood(socket)
        },
        { maxResponseBytes: 100_000 },
      )
      expect(await ways[way](gateway.url)).toMatchObject({ id: 7, error: { code: -31502 } })
      const isOver = () => [...sockets].some(({ destroyed }) => destroyed)
      await expect.poll(isOver, { timeout: 10_000 }).toBe(true)
      expect(asked('tools/list')).toBe(1)
      expect(written).toBeLessThan(16_000_000)
    })
  },
)

describe('a client that leaves in the middle of an answer', () => {
  it.each(['/mcp/router/route/odd', '/mcp/odd'])('has it read no further: %s', async (path) => {
    let begin: (socket: Socket) => void = () => undefined
    const began = new Promise<Socket>((resolve) => (begin = resolve))
    const { gateway } = await openRaw((socket) => {
      socket.write(`HTTP/1.1 200 OK\r\n${json}\r\ncontent-length: 1000\r\n\r\n{`)
      begin(socket)
    })
    const { headers } = await initialize(`${gateway.url}/mcp/odd`)
    const leave = new AbortController()
    const body = aRequest(7, 'tools/list')
    const { signal } = leave
    const asking = ask(gateway.url + path, { headers, body, signal }).catch(() => undefined)
    const socket = await began
    const closed = once(socket, 'close')
    leave.abort()
    await Promise.all([closed, asking])
    expect(socket.destroyed).toBe(true)
  })
})

describe('a result that nests deep', () => {
  it('is an error to its caller', async () => {
    const { gateway } = await openRaw((socket, id) => {
      const deep = '['.repeat(200_000) + ']'.repeat(200_000)
      const body = `{"jsonrpc":"2.0","id":${String(id)},"result":${deep}}`
      socket.write(`HTTP/1.1 200 OK\r\n${json}\r\ncontent-length: ${body.length}\r\n\r\n${body}`)
    })
    const told = await ways.pooled(gateway.url)
    expect(told).toMatchObject({ id: 7, error: { code: -31502 } })
    expect(JSON.stringify(told)).toContain('512 levels')
  })
})

describe('a revision that is none', () => {
  it.each(['2025-11-25\u2028', '2025-11-25\r\nx: y', 'latest', '20251125'])(
    'refuses the session of every kind of client: %j',
    async (revision) => {
      const { gateway } = await openRaw(answerGood, { revision })
      const { told } = await initialize(`${gateway.url}/mcp/odd`)
      expect([told.status, told.headers['mcp-session-id']]).toEqual([502, undefined])
      const pooled = await ask(`${gateway.url}/mcp/router/route/odd`, {
        body: aRequest(1, 'tools/list'),
      })
      expect(pooled.status).toBe(502)
    },
  )

  it('is told to a client of 2024-11-05', async () => {
    const { gateway } = await openRaw(answerGood, { revision: 'latest' })
    const client = beginSse(gateway, { backend: 'odd' })
    await expect(client).rejects.toThrow()
  })
})

it('a media type is recognised in any spelling', async () => {
  const { gateway } = await openRaw((socket, id) => {
    const event = `data: ${good(id)}\n\n`
    socket.end(`HTTP/1.1 200 OK\r\ncontent-type: Text/Event-Stream; charset=UTF-8\r\n\r\n${event}`)
  })
  expect(await ways.pooled(gateway.url)).toEqual({ jsonrpc: '2.0', id: 7, result: {} })
  const { headers } = await initialize(`${gateway.url}/mcp/odd`)
  const told = await ask(`${gateway.url}/mcp/odd`, { headers, body: aRequest(7, 'tools/list') })
  expect(told.headers['content-type']).toBe('text/event-stream')
  expect(told.text).toContain(good(7))
})

it('a long answer is framed anew', async () => {
  const long = JSON.stringify('x'.repeat(500_000))
  const { gateway } = await openRaw((socket, id) => {
    const body = `{"jsonrpc":"2.0","id":${String(id)},"result":{"long":${long}}}`
    socket.write(`HTTP/1.1 200 OK\r\n${json}\r\ncontent-length: ${body.length}\r\n\r\n${body}`)
  })
  expect(await ways.portable(gateway.url)).toMatchObject({
    id: 7,
    result: { long: JSON.parse(long) },
  })
})
