import { once } from 'node:events'
import { connect } from 'node:net'
import type { Socket } from 'node:net'
import type { EdgeRequest, EdgeResponse } from '@mcp-router/router'
import { expect, it, onTestFinished } from 'vitest'
import { listen } from './listener.js'
import type { Listener } from './listener.js'

const limits = { requestHeadMs: 10_000, requestMs: 10_000, idleConnectionMs: 10_000 }

interface Opened {
  readonly listener: Listener
  /** connect opens a connection; what comes is in `text()`. */
  readonly connect: () => { readonly socket: Socket; readonly text: () => string }
}

const open = async (
  answer: (req: EdgeRequest, res: EdgeResponse) => void,
  given: Partial<typeof limits> = {},
): Promise<Opened> => {
  const handlers = {
    serve(req: EdgeRequest, res: EdgeResponse) {
      answer(req, res)
      return true
    },
    otherwise: () => expect.unreachable('every request here is plain'),
  }
  const listener = await listen('127.0.0.1', 0, { ...limits, ...given }, handlers, 20)
  onTestFinished(() => listener.close())
  return {
    listener,
    connect() {
      const socket = connect(Number(new URL(listener.address).port), '127.0.0.1')
      onTestFinished(() => void socket.destroy())
      let text = ''
      socket.on('data', (chunk: Buffer) => (text += chunk.toString('latin1')))
      socket.on('error', () => undefined)
      return { socket, text: () => text }
    },
  }
}

const get = (path: string): string => `GET ${path} HTTP/1.1\r\nHost: localhost\r\n\r\n`
/** The socket of the server, whose events come in a turn of their own. */
const serverSocketOf = (response: EdgeResponse | undefined): Socket =>
  (response as unknown as { connection: { socket: Socket } }).connection.socket

const bodyOf = (text: string): string => text.slice(text.indexOf('\r\n\r\n') + 4)

it('writes a head and a body that is known whole with a Content-Length', async () => {
  const { connect } = await open((_, res) => res.writeHead(200, []).end('é'))
  const { socket, text } = connect()
  socket.write(get('/'))
  await expect.poll(text).toMatch(/^HTTP\/1\.1 200 OK\r\n(.+\r\n)*Content-Length: 2\r\n/)
  expect(text()).toMatch(/\r\nDate: .+ GMT\r\nConnection: keep-alive\r\nKeep-Alive: timeout=10\r\n/)
  expect(bodyOf(text())).toBe('\xc3\xa9')
})

it('writes what comes in pieces in chunks, each as it comes', async () => {
  const { connect } = await open((_, res) => {
    res.writeHead(200, ['content-type', 'text/event-stream'])
    res.flushHeaders()
    res.write(Buffer.from('data: 1\n\n'))
    res.write('\n\n')
    res.write(Buffer.alloc(20_000, 'x'))
    res.end('end', 'latin1')
  })
  const { socket, text } = connect()
  socket.write(get('/'))
  await expect.poll(text).toMatch(/3\r\nend\r\n0\r\n\r\n$/)
  expect(text()).toContain(
    'Transfer-Encoding: chunked\r\n\r\n9\r\ndata: 1\n\n\r\n2\r\n\n\n\r\n4e20\r\nx',
  )
})

it('writes a body with a length of its own as it is, however it comes', async () => {
  const { connect } = await open((_, res) => {
    res.writeHead(200, ['content-length', '20004'])
    res.write('ab')
    res.end(Buffer.alloc(20_002, 'c'))
  })
  const { socket, text } = connect()
  socket.write(get('/'))
  await expect.poll(() => bodyOf(text())).toBe(`ab${'c'.repeat(20_002)}`)
  expect(text()).not.toContain('Transfer-Encoding')
})

it.each([204, 304])('writes no body with status %i', async (status) => {
  const { connect } = await open((_, res) => res.writeHead(status, []).end('nothing'))
  const { socket, text } = connect()
  socket.write(get('/'))
  await expect.poll(text).toMatch(/\r\n\r\n$/)
  expect(text()).not.toMatch(/transfer-encoding|content-length|nothing/i)
})

it('refuses a header that would end its line', async () => {
  const thrown: unknown[] = []
  const { connect } = await open((_, res) => {
    try {
      res.writeHead(200, ['x-a', 'b\r\nx-c: d'])
    } catch (error) {
      thrown.push(error)
    }
    res.writeHead(500, []).end()
  })
  const { socket, text } = connect()
  socket.write(get('/'))
  await expect.poll(text).toMatch(/^HTTP\/1\.1 500 /)
  expect(thrown).toHaveLength(1)
})

it('answers what a client sends ahead in its order, one after the other', async () => {
  const waiting: EdgeResponse[] = []
  const { connect } = await open((req, res) => {
    res.setHeader('x-path', String(req.url))
    waiting.push(res)
  })
  const { socket, text } = connect()
  socket.write(get('/1') + get('/2') + get('/3'))
  for (const n of [1, 2, 3]) {
    await expect.poll(() => waiting.length).toBe(n)
    waiting.at(-1)?.writeHead(200, []).end(`(${n})`)
    await expect.poll(text).toContain(`(${n})`)
  }
  expect([...text().matchAll(/x-path: \/(\d)/g)].map(([, n]) => n)).toEqual(['1', '2', '3'])
})

it('ends a connection behind its response on which too much was sent ahead, and notices its end meanwhile', async () => {
  let answered = 0
  let response: EdgeResponse | undefined
  let closed = 0
  const { connect } = await open((_, res) => {
    answered++
    response = res
    res.on('close', () => closed++)
  })
  const [first, second] = [connect(), connect()]
  for (const { socket } of [first, second]) socket.write(get('/').repeat(10_000))
  await expect.poll(() => answered).toBe(2)
  first.socket.destroy()
  await expect.poll(() => closed).toBe(1)
  // One of them is that of the first.
  const end = once(second.socket, 'close')
  response?.writeHead(200, []).end('one')
  second.socket.resetAndDestroy()
  await end
  expect(answered).toBe(2)
})

it.each(['FIN', 'RST'])('was not delivered where its client left before by %s', async (how) => {
  let response: EdgeResponse | undefined
  let closed = 0
  const { connect } = await open((_, res) => {
    response = res
    res.on('close', () => closed++)
  })
  const { socket } = connect()
  socket.write(get('/'))
  await expect.poll(() => response).toBeDefined()
  // Its end is read in the turn in which the response is written.
  const answerAtEnd = (): void => void response?.writeHead(200, []).end('too late')
  serverSocketOf(response).prependListener(how === 'FIN' ? 'end' : 'error', answerAtEnd)
  if (how === 'FIN') socket.end()
  else socket.resetAndDestroy()
  await expect.poll(() => closed).toBe(1)
  expect(response?.writableFinished).toBe(false)
})

it('was not delivered where the write failed', async () => {
  let response: EdgeResponse | undefined
  let closed = 0
  const { connect } = await open((_, res) => {
    response = res
    res.on('close', () => closed++)
  })
  const { socket } = connect()
  socket.write(get('/'))
  await expect.poll(() => response).toBeDefined()
  socket.pause()
  response?.writeHead(200, []).end(Buffer.alloc(32 * 1024 * 1024))
  socket.resetAndDestroy()
  await expect.poll(() => closed).toBe(1)
  expect(response?.writableFinished).toBe(false)
})

it('processes nothing that comes behind a response with Connection: close', async () => {
  const paths: string[] = []
  const waiting: EdgeResponse[] = []
  const { listener, connect } = await open((req, res) => {
    paths.push(String(req.url))
    waiting.push(res)
  })
  const { socket, text } = connect()
  socket.write(get('/1') + get('/2'))
  await expect.poll(() => paths).toEqual(['/1'])
  await listener.refuse()
  const end = once(socket, 'close')
  waiting[0]?.writeHead(200, []).end('one')
  socket.write(get('/3'))
  await end
  expect(text()).toMatch(/\r\nConnection: close\r\n/)
  expect(paths).toEqual(['/1'])
})

it('says when its client has left, and writes nothing more', async () => {
  let response: EdgeResponse | undefined
  let closed = 0
  const { connect } = await open((_, res) => {
    response = res
    res.on('close', () => closed++)
    res.writeHead(200, [])
    res.flushHeaders()
  })
  const { socket, text } = connect()
  socket.write(get('/'))
  await expect.poll(text).toContain('200 OK')
  expect([response?.destroyed, response?.writableFinished]).toEqual([false, false])
  socket.resetAndDestroy()
  await expect.poll(() => closed).toBe(1)
  expect([response?.destroyed, response?.writableFinished]).toEqual([true, false])
  expect(response?.write('more')).toBe(false)
  response?.end()
  expect(closed).toBe(1)
})

it('says when all of a response has left', async () => {
  let response: EdgeResponse | undefined
  let closed = 0
  const { connect } = await open((_, res) => {
    response = res
    res.on('close', () => closed++)
    res.writeHead(200, []).end('all')
  })
  const { socket } = connect()
  socket.write(get('/'))
  await expect.poll(() => closed).toBe(1)
  expect([response?.destroyed, response?.writableFinished]).toEqual([false, true])
})

it('tells that a client is slow, and when it has taken what waited', async () => {
  let drained = 0
  let response: EdgeResponse | undefined
  const { connect } = await open((_, res) => {
    response = res
    res.writeHead(200, [])
    res.write(Buffer.alloc(32 * 1024 * 1024))
    res.once('drain', () => drained++)
  })
  const { socket } = connect()
  socket.pause()
  socket.write(get('/'))
  await expect.poll(() => response?.writableNeedDrain).toBe(true)
  expect(response?.writableLength).toBeGreaterThan(0)
  expect(drained).toBe(0)
  socket.resume()
  await expect.poll(() => drained).toBe(1)
})

it('closes behind the next response once it takes no more connections, and idle ones soon', async () => {
  let response: EdgeResponse | undefined
  const { listener, connect } = await open((req, res) => {
    if (req.url === '/1') res.writeHead(200, []).end('one')
    else response = res
  })
  const [idle, busy] = [connect(), connect()]
  idle.socket.write(get('/1'))
  await expect.poll(idle.text).toContain('one')
  busy.socket.write(get('/2'))
  await expect.poll(() => response).toBeDefined()
  const [idleClosed, busyClosed] = [once(idle.socket, 'close'), once(busy.socket, 'close')]
  await listener.refuse()
  await idleClosed
  response?.writeHead(200, []).end('two')
  await busyClosed
  expect(busy.text()).toMatch(/\r\nConnection: close\r\n(.+\r\n)*\r\ntwo$/)
})

it('closes a connection that is idle for too long, and none that waits for its response', async () => {
  let response: EdgeResponse | undefined
  const { connect } = await open(
    (req, res) => {
      if (req.url === '/1') res.writeHead(200, []).end('one')
      else response = res
    },
    { idleConnectionMs: 50 },
  )
  const [busy, idle] = [connect(), connect()]
  busy.socket.write(get('/2'))
  await expect.poll(() => response).toBeDefined()
  idle.socket.write(get('/1'))
  await once(idle.socket, 'close')
  expect(idle.text()).toContain('one')
  response?.writeHead(200, []).end('two')
  await expect.poll(busy.text).toContain('two')
})
