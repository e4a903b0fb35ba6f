import { once } from 'node:events'
import { connect, createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { answerJson, beginEvents, deadOrigin, openHttp } from '@mcp-router/testkit/server'
import { describe, expect, it, onTestFinished } from 'vitest'
import { createHttpClient, isExhausted, wasNeverSent } from './client.js'
import type { HttpController, HttpHandler } from './handler.js'
import { post } from './post.js'

const openClient = () => {
  const client = createHttpClient({ connectTimeoutMs: 1_000 })
  onTestFinished(() => client.close())
  return client
}

const body = Buffer.from('{}')

/** The requests that one connection carried, by the client's port. */
const ports = (asked: readonly { req: { socket: { remotePort?: number | undefined } } }[]) =>
  asked.map(({ req }) => req.socket.remotePort)

describe('the client', () => {
  it('sends method, path, headers and body, and hands back what came', async () => {
    const server = await openHttp((asked) => {
      const headers = { 'x-reply': 'r', 'mcp-session-id': 's' }
      answerJson(asked, asked.text, { status: 201, headers })
    })
    const text = Buffer.from('{"é":"😀"}')
    const headers = ['X-Key', 'k', 'content-type', 'application/json']
    const answer = await post(openClient(), `${server.origin}/a/b?c=d`, {
      method: 'POST',
      headers,
      body: text,
    }).answer
    expect(server.asked[0]).toMatchObject({
      method: 'POST',
      path: '/a/b?c=d',
      text: text.toString(),
    })
    expect(server.asked[0]?.headers).toMatchObject({ 'x-key': 'k' })
    expect(answer).toMatchObject({
      status: 201,
      headers: { 'x-reply': 'r', 'mcp-session-id': 's' },
    })
    expect(answer.body.equals(text)).toBe(true)
  })

  it.each(['GET', 'DELETE'] as const)('sends %s without a body', async (method) => {
    const server = await openHttp(({ res }) => res.writeHead(204).end())
    const answer = await post(openClient(), server.origin, { method, headers: [] }).answer
    expect([answer.status, server.asked[0]?.method, server.asked[0]?.text]).toEqual([
      204,
      method,
      '',
    ])
  })

  it('carries big bodies both ways unchanged', async () => {
    const big = JSON.stringify('é'.repeat(1_000_000))
    const server = await openHttp((asked) => answerJson(asked, asked.text))
    const options = { method: 'POST' as const, headers: [], body: Buffer.from(big) }
    const answer = await post(openClient(), server.origin, options).answer
    expect(answer.body.toString() === big).toBe(true)
  })

  it('uses a connection again, and opens more for requests at once', async () => {
    const server = await openHttp((asked) => answerJson(asked, '{}'))
    const client = openClient()
    const ask = () => post(client, server.origin, { method: 'POST', headers: [], body }).answer
    await ask()
    await ask()
    await Promise.all([ask(), ask(), ask()])
    const [first, second, ...rest] = ports(server.asked)
    expect(second).toBe(first)
    expect(new Set(rest).size).toBe(3)
  })

  it('opens another connection when the server has closed the idle one', async () => {
    const server = await openHttp((asked) => answerJson(asked, '{}'))
    const client = openClient()
    const ask = () => post(client, server.origin, { method: 'POST', headers: [], body }).answer
    await ask()
    const { socket } = server.asked[0]!.req
    socket.end()
    await once(socket, 'close')
    expect((await ask()).status).toBe(200)
  })

  it('takes an answer that ends with its connection', async () => {
    const server = await openHttp(({ res }) => {
      res.removeHeader('transfer-encoding')
      res.writeHead(200, { connection: 'close' })
      res.write('the ')
      res.end('end')
    })
    const { answer } = post(openClient(), server.origin, { method: 'GET', headers: [] })
    expect((await answer).body.toString()).toBe('the end')
  })

  it('names the host once: the one that it is given, else that of the address', async () => {
    const server = await openHttp((asked) => answerJson(asked, '{}'))
    const client = openClient()
    const hosts = () => server.asked.map(({ req }) => req.headersDistinct['host'])
    await post(client, server.origin, { method: 'GET', headers: [] }).answer
    await post(client, server.origin, { method: 'GET', headers: ['Host', 'a.example'] }).answer
    expect(hosts()).toEqual([[new URL(server.origin).host], ['a.example']])
  })

  it('fails a request with a header that cannot be sent, and never throws', async () => {
    const server = await openHttp((asked) => answerJson(asked, '{}'))
    for (const value of ['a\r\nx-other: b', '2025-11-25\u2028']) {
      const headers = ['x-key', value]
      const { answer } = post(openClient(), server.origin, { method: 'GET', headers })
      const cause = new Error('header x-key holds what cannot be sent')
      await expect(answer).rejects.toMatchObject({ code: 'INTERNAL', cause })
    }
    expect(server.asked).toEqual([])
  })

  it('is not held up by a stream', async () => {
    const server = await openHttp((asked) => {
      if (asked.method === 'GET') beginEvents(asked)
      else answerJson(asked, '{}')
    })
    const client = openClient()
    const stream = post(client, server.origin, { method: 'GET', headers: [] })
    const { status } = await post(client, server.origin, { method: 'POST', headers: [], body })
      .answer
    expect(status).toBe(200)
    stream.abort(new Error('enough'))
    await expect(stream.answer).rejects.toThrow('enough')
  })
})

describe('a failure', () => {
  it('to connect is known as never sent', async () => {
    const { answer } = post(openClient(), await deadOrigin(), { method: 'GET', headers: [] })
    const error: unknown = await answer.catch((thrown: unknown) => thrown)
    expect(wasNeverSent(error)).toBe(true)
  })

  it('after the request left is not', async () => {
    const server = await openHttp(({ res }) => res.destroy())
    const { answer } = post(openClient(), server.origin, { method: 'POST', headers: [], body })
    const error: unknown = await answer.catch((thrown: unknown) => thrown)
    expect(error).toBeInstanceOf(Error)
    expect(wasNeverSent(error)).toBe(false)
  })

  it('to write on a connection that the other side has ended is known as never sent', async () => {
    const server = createServer((socket) => void socket.end())
    await once(server.listen(0, '127.0.0.1'), 'listening')
    onTestFinished(() => void server.close())
    const { port } = server.address() as AddressInfo
    const socket = connect(port, '127.0.0.1')
    socket.resume()
    const failed = once(socket, 'error')
    // Node ends its own side in the tick after.
    socket.once('end', () => process.nextTick(() => process.nextTick(() => socket.write('late'))))
    const [error] = (await failed) as [Error]
    expect(wasNeverSent(error)).toBe(true)
    const broken = Object.assign(new Error('write EPIPE'), { code: 'EPIPE' })
    expect(wasNeverSent(broken)).toBe(false)
  })

  it('comes to all that is under way when the client closes', async () => {
    const server = await openHttp(() => undefined)
    const client = createHttpClient({ connectTimeoutMs: 1_000 })
    const asking = post(client, server.origin, { method: 'POST', headers: [], body }).answer
    await Promise.all([expect(asking).rejects.toBeInstanceOf(Error), client.close()])
  })
})

describe('giving up', () => {
  it('before the connection is there rejects with the reason', async () => {
    const server = await openHttp((asked) => answerJson(asked, '{}'))
    const asking = post(openClient(), server.origin, { method: 'POST', headers: [], body })
    asking.abort(new Error('too late'))
    await expect(asking.answer).rejects.toThrow('too late')
  })

  it('ends the connection, so that the server sees it', async () => {
    const server = await openHttp((asked) => beginEvents(asked))
    let began = (): void => undefined
    const head = new Promise<void>((resolve) => (began = resolve))
    const taker = () => (began(), () => undefined)
    const stream = post(openClient(), server.origin, { method: 'GET', headers: [], taker })
    await head
    const gone = once(server.asked[0]!.res, 'close')
    stream.abort(new Error('enough'))
    await Promise.all([gone, expect(stream.answer).rejects.toThrow('enough')])
  })

  it('after the answer does nothing to the next request on the connection', async () => {
    const server = await openHttp((asked) => {
      if (asked.message.id === 1) answerJson(asked, '1')
      else setImmediate(() => answerJson(asked, '2'))
    })
    const client = openClient()
    const ask = (id: number) => {
      const text = Buffer.from(JSON.stringify({ id }))
      return post(client, server.origin, { method: 'POST', headers: [], body: text })
    }
    const first = ask(1)
    await first.answer
    const second = ask(2)
    first.abort(new Error('the client left'))
    expect((await second.answer).body.toString()).toBe('2')
  })
})

describe('a slow reader', () => {
  /** Pauses at every chunk, and resumes a moment later unless that was the end. */
  const slow = (onEnd: (bytes: number) => void, onError: (error: Error) => void): HttpHandler => {
    let bytes = 0
    let ended = false
    return {
      onRequestStart: () => undefined,
      onResponseStart: () => undefined,
      onResponseData(controller: HttpController, chunk: Buffer) {
        bytes += chunk.length
        controller.pause()
        setImmediate(() => {
          if (!ended) controller.resume()
        })
      },
      onResponseEnd() {
        ended = true
        onEnd(bytes)
      },
      onResponseError: (_, error) => onError(error),
    }
  }

  it('gets everything, and the next request on the connection is answered', async () => {
    const big = `"${'x'.repeat(300_000)}"`
    const server = await openHttp((asked) => answerJson(asked, big))
    const client = openClient()
    const request = { method: 'POST' as const, headers: [], body }
    const bytes = await new Promise<number>((resolve, reject) => {
      client.dispatch(server.origin, request, slow(resolve, reject))
    })
    expect(bytes).toBe(big.length)
    expect((await post(client, server.origin, request).answer).body).toHaveLength(big.length)
  })
})

it.each(['EMFILE', 'ENFILE', 'EADDRNOTAVAIL'])('%s is no word of the other side', (code) => {
  const error = Object.assign(new Error(`connect ${code}`), { code })
  expect([wasNeverSent(error), isExhausted(error)]).toEqual([true, true])
})

it('a refusal is one of the other side', () => {
  const error = Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' })
  expect([wasNeverSent(error), isExhausted(error)]).toEqual([true, false])
})
