import { EventEmitter, once } from 'node:events'
import { createServer } from 'node:http'
import type { IncomingMessage } from 'node:http'
import { connect } from 'node:net'
import type { AddressInfo } from 'node:net'
import { RouterError } from '@mcp-router/core'
import { heldBytes } from '@mcp-router/testkit/memory'
import { expect, it, onTestFinished } from 'vitest'
import { readBody } from './body.js'

/** A server that reads bodies of at most 1 kB and tells what it got, or the code of the error. */
const open = async () => {
  const outcomes: string[] = []
  const server = createServer((req, res) => {
    readBody(req, 1_000, (body) => body).then(
      (body) => {
        outcomes.push(body.toString())
        res.end(body)
      },
      (error: unknown) => {
        outcomes.push(error instanceof RouterError ? error.code : String(error))
        res.writeHead(413, { connection: 'close' }).end('too large')
      },
    )
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  const { port } = server.address() as AddressInfo
  const send = async (body: Buffer | ReadableStream) => {
    const init = { method: 'POST', body, duplex: 'half' } as RequestInit
    const response = await fetch(`http://127.0.0.1:${port}`, init)
    return { status: response.status, text: await response.text() }
  }
  return { outcomes, port, send }
}

/** A body that comes in pieces and does not say how long it is. */
const streamed = (pieces: number, size: number) =>
  new ReadableStream({
    pull(controller) {
      if (pieces-- > 0) controller.enqueue(Buffer.alloc(size, 'x'))
      else controller.close()
    },
  })

it('takes a body up to the limit, in one piece or many', async () => {
  const { send } = await open()
  expect((await send(Buffer.alloc(1_000, 'x'))).text).toHaveLength(1_000)
  expect((await send(streamed(10, 100))).text).toHaveLength(1_000)
  expect(await send(Buffer.alloc(0))).toEqual({ status: 200, text: '' })
})

it('refuses one byte more, whether it is announced or not, and the client gets to read that', async () => {
  const { send, outcomes } = await open()
  const refused = { status: 413, text: 'too large' }
  expect(await send(Buffer.alloc(1_001, 'x'))).toEqual(refused)
  expect(await send(streamed(11, 100))).toEqual(refused)
  expect(await send(Buffer.alloc(5_000_000, 'x'))).toEqual(refused)
  expect(outcomes).toEqual(['BODY_TOO_LARGE', 'BODY_TOO_LARGE', 'BODY_TOO_LARGE'])
})

it('settles when the client leaves in the middle', async () => {
  const { port, outcomes } = await open()
  const socket = connect(port, '127.0.0.1')
  socket.write('POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 100\r\n\r\nhalf')
  await once(socket, 'connect')
  await new Promise((written) => socket.write('', written))
  socket.destroy()
  await expect.poll(() => outcomes).toEqual(['INVALID_REQUEST'])
})

it('holds a small multiple of the bytes, however small the chunks are', async () => {
  const count = 1_000_000
  const held = await heldBytes(async () => {
    const req = new EventEmitter()
    const body = readBody(req as unknown as IncomingMessage, count, ({ length }) => length) // its events only
    await Promise.resolve()
    for (let n = 0; n < count; n++) req.emit('data', Buffer.of(0x20))
    return [req, body]
  })
  expect(held).toBeLessThan(4 * count)
})
