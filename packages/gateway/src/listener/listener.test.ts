import { once } from 'node:events'
import type { RequestListener, ServerResponse } from 'node:http'
import { connect } from 'node:net'
import type { Socket } from 'node:net'
import { expect, it, onTestFinished } from 'vitest'
import { listen } from './listener.js'

const limits = { requestHeadMs: 300, requestMs: 600, idleConnectionMs: 75_000 }
const checkMs = 20

/** No path is the data plane's. */
const serve = () => false
const serving = { serve, otherwise: (_req: unknown, res: ServerResponse) => res.end('served') }

const open = async (onRequest: RequestListener): Promise<(text: string) => Socket> => {
  const listener = await listen('127.0.0.1', 0, limits, { serve, otherwise: onRequest }, checkMs)
  onTestFinished(() => listener.close())
  const { port } = new URL(listener.address)
  return (text) => {
    const socket = connect(Number(port), '127.0.0.1')
    onTestFinished(() => void socket.destroy())
    socket.write(text)
    return socket
  }
}

const all = async (socket: Socket): Promise<string> => {
  const chunks: Buffer[] = []
  socket.on('data', (chunk: Buffer) => chunks.push(chunk))
  await once(socket, 'close')
  return String(Buffer.concat(chunks))
}

const post = 'POST /mcp/x HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\n{"a'

it.each([
  ['a head', 'POST /mcp/x HTTP/1.1\r\nHost: localhost\r\n'],
  ['a body', post],
])('cuts off who does not finish %s', async (_, text) => {
  const send = await open((req) => void req.resume())
  expect(await all(send(text))).toMatch(/^HTTP\/1\.1 408 /)
})

it('leaves an answer as long as it likes', async () => {
  let answering: ServerResponse | undefined
  const send = await open((req, res) => {
    if (req.method === 'POST') return
    answering = res
    res.writeHead(200, { 'content-type': 'text/event-stream', connection: 'close' })
    res.flushHeaders()
  })
  const stream = all(send('GET /sse/x HTTP/1.1\r\nHost: localhost\r\n\r\n'))
  await expect.poll(() => answering).toBeDefined()
  // Who came after it is cut off, so its own time is over, too.
  expect(await all(send(post))).toMatch(/^HTTP\/1\.1 408 /)
  answering?.end('data: end\n\n')
  expect(await stream).toContain('data: end')
})

it.each(['POST /mcp/x', 'GET /health', 'OPTIONS /mcp/x'])(
  'refuses %s with two Hosts: proxies and the router may each believe another one',
  async (line) => {
    let asked = 0
    const send = await open((_req, res) => {
      asked++
      res.end()
    })
    const answer = await all(send(`${line} HTTP/1.1\r\nHost: localhost\r\nhost: evil\r\n\r\n`))
    expect(answer).toMatch(/^HTTP\/1\.1 400 .*"code":-32600,.*more than one Host/s)
    expect(asked).toBe(0)
  },
)

it('serves a request that waited to be read while its process was stopped', async () => {
  const listener = await listen('127.0.0.1', 0, limits, serving, checkMs)
  onTestFinished(() => listener.close())
  const { port } = new URL(listener.address)
  const socket = connect(Number(port), '127.0.0.1')
  onTestFinished(() => void socket.destroy())
  await once(socket, 'connect')
  // A turn later the server has accepted it.
  await new Promise(setImmediate)
  socket.write('GET /sse/x HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n')
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 2_000)
  expect(await all(socket)).toMatch(/^HTTP\/1\.1 200 .*served/s)
})

it('cuts off who does not finish a head that was begun before a stop', async () => {
  const send = await open((_req, res) => res.end('served'))
  const socket = send('GET /sse/x HTTP/1.1\r\nHost: localhost\r\n')
  await once(socket, 'connect')
  // Its first bytes are read within a few turns.
  for (let n = 0; n < 20; n++) await new Promise(setImmediate)
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 2_000)
  expect(await all(socket)).not.toContain('served')
})

it('asks the peer of a request that came before it refused to close the connection with the answer', async () => {
  let answering: ServerResponse | undefined
  const listener = await listen(
    '127.0.0.1',
    0,
    limits,
    { serve, otherwise: (_req, res) => (answering = res) },
    checkMs,
  )
  onTestFinished(() => listener.close())
  const { port } = new URL(listener.address)
  const socket = connect(Number(port), '127.0.0.1')
  onTestFinished(() => void socket.destroy())
  socket.write('GET /mcp/x HTTP/1.1\r\nHost: localhost\r\n\r\n')
  await expect.poll(() => answering).toBeDefined()
  await listener.refuse()
  const answer = all(socket)
  answering?.writeHead(200, ['content-type', 'text/plain']).end('done')
  // The peer would send its next request into a connection that is about to be cut.
  expect(await answer).toMatch(/^HTTP\/1\.1 200 [^]*connection: close[^]*done/i)
})
