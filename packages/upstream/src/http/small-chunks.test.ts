import type { Socket } from 'node:net'
import { scanMessage } from '@mcp-router/protocol'
import { heldBytes } from '@mcp-router/testkit/memory'
import { openRaw } from '@mcp-router/testkit/server'
import { expect, it, onTestFinished } from 'vitest'
import { createHttpClient } from './client.js'
import type { HttpConversation } from './conversation.js'
import type { HttpController, HttpHandler } from './handler.js'
import { post } from './post.js'
import { Sending } from './sending.js'

const head =
  'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n'
const count = 300_000
const chunks = '1\r\n \r\n'.repeat(count)

/** A client that remembers to whom it was to send. */
const openHandler = () => {
  const given: { handler: HttpHandler | undefined } = { handler: undefined }
  const client = {
    maxResponseBytes: count,
    dispatch: (_: string, __: unknown, handler: HttpHandler) => {
      given.handler = handler
    },
    close: () => Promise.resolve(),
  }
  return { client, given }
}

const controller: HttpController = {
  aborted: false,
  reason: null,
  paused: false,
  pause: () => undefined,
  resume: () => undefined,
  abort: () => undefined,
}

const flood = (handler: HttpHandler | undefined): HttpHandler | undefined => {
  handler?.onResponseStart?.(controller, 200, { 'content-type': 'application/json' })
  for (let n = 0; n < count; n++) handler?.onResponseData?.(controller, Buffer.of(0x20))
  return handler
}

it('an answer is held in a small multiple of its bytes by post', async () => {
  const held = await heldBytes(() => {
    const { client, given } = openHandler()
    const posting = post(client, 'http://h/', { method: 'POST', headers: [] })
    return [posting, flood(given.handler)]
  })
  expect(held).toBeLessThan(8 * count)
})

it('an answer is held in a small multiple of its bytes by a session', async () => {
  const sent = scanMessage(Buffer.from('{"jsonrpc":"2.0","id":1,"method":"ping"}'))
  const conversation = { took: () => undefined } as unknown as HttpConversation // all that is asked
  const listener = { onMessage: () => undefined, onClose: () => undefined }
  const held = await heldBytes(() =>
    flood(new Sending(sent, 'b', conversation, listener, () => undefined)),
  )
  expect(held).toBeLessThan(8 * count)
})

it('what one read brought is handed on as one, and is whole', async () => {
  const client = createHttpClient({ connectTimeoutMs: 1_000 })
  onTestFinished(() => client.close())
  const { origin } = await openRaw('http', (socket: Socket) => {
    socket.write(`${head}${chunks}2\r\n{}\r\n0\r\n\r\n`)
  })
  let pieces = 0
  let bytes = 0
  const taker = () => (chunk: Buffer) => {
    pieces++
    bytes += chunk.length
  }
  await post(client, origin, { method: 'POST', headers: [], taker }).answer
  expect(bytes).toBe(count + 2)
  expect(pieces).toBeLessThan(count / 100)
  const { body } = await post(client, origin, { method: 'POST', headers: [] }).answer
  expect(body.toString()).toBe(`${' '.repeat(count)}{}`)
})
