import { once } from 'node:events'
import {
  answerJson,
  beginEvents,
  deadOrigin,
  frame,
  openHttp,
  respond,
} from '@mcp-router/testkit/server'
import type { Asked } from '@mcp-router/testkit/server'
import {
  aRequest,
  backendOf,
  createEvents,
  createHeard,
  httpEndpoint,
} from '@mcp-router/testkit/upstream'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { createHttpClient, wasNeverSent } from './client.js'
import { openHttpUpstream } from './upstream.js'

const jsonrpc = '2.0'

const connect = (origin: string) => {
  const client = createHttpClient({ connectTimeoutMs: 1_000 })
  onTestFinished(() => client.close())
  const heard = createHeard()
  const endpoint = httpEndpoint(`${origin}/mcp`)
  return {
    heard,
    upstream: openHttpUpstream({
      client,
      endpoint,
      backend: backendOf(endpoint).name,
      listener: heard,
      events: createEvents(),
    }),
  }
}

const open = async (answer: (asked: Asked) => void) => {
  const server = await openHttp(answer)
  return { server, ...connect(server.origin) }
}

describe('a connection', () => {
  it('that is refused rejects as never sent', async () => {
    const { upstream } = connect(await deadOrigin())
    const error: unknown = await upstream.send(aRequest(1)).catch((thrown: unknown) => thrown)
    expect(wasNeverSent(error)).toBe(true)
  })

  it.each([
    ['before the answer', () => undefined],
    ['within a stream without ids', (asked: Asked) => beginEvents(asked)],
  ])('that breaks %s rejects, and may have been executed', async (_, begin) => {
    const { upstream } = await open((asked) => {
      begin(asked)
      setImmediate(() => asked.res.destroy())
    })
    const error: unknown = await upstream.send(aRequest(1)).catch((thrown: unknown) => thrown)
    expect(error).toBeInstanceOf(Error)
    expect(wasNeverSent(error)).toBe(false)
  })
})

describe('a stream that ends before the answer', () => {
  it('is resumed from its last event until the answer has come', async () => {
    const { server, heard, upstream } = await open((asked) => {
      beginEvents(asked)
      if (asked.method === 'POST') asked.res.end('id: e-1\ndata: \n\n')
      else if (asked.headers['last-event-id'] === 'e-1') asked.res.end('id: e-2\ndata: \n\n')
      else asked.res.end(frame({ jsonrpc, id: 1, result: { late: true } }, 'e-3'))
    })
    await upstream.send(aRequest(1))
    expect(await heard.next()).toMatchObject({ id: 1, result: { late: true } })
    expect(server.asked.map(({ method, headers }) => [method, headers['last-event-id']])).toEqual([
      ['POST', undefined],
      ['GET', 'e-1'],
      ['GET', 'e-2'],
    ])
  })

  it('rejects when the server does not offer the rest', async () => {
    const { upstream } = await open((asked) => {
      if (asked.method === 'GET') {
        answerJson(asked, '', { status: 405 })
        return
      }
      beginEvents(asked)
      asked.res.end('id: e-1\ndata: \n\n')
    })
    await expect(upstream.send(aRequest(1))).rejects.toMatchObject({ code: 'UPSTREAM_FAILED' })
  })

  it('rejects at once when its events had no ids', async () => {
    const { server, upstream } = await open((asked) => {
      beginEvents(asked)
      asked.res.end(frame({ jsonrpc, method: 'notifications/progress' }))
    })
    await expect(upstream.send(aRequest(1))).rejects.toMatchObject({ code: 'UPSTREAM_FAILED' })
    expect(server.asked).toHaveLength(1)
  })
})

describe('giving up', () => {
  it('breaks off the POST and tells the server which request', async () => {
    const { server, upstream } = await open((asked) => {
      if (asked.message.method === 'notifications/cancelled') answerJson(asked, '', { status: 202 })
    })
    const sending = upstream.send(aRequest('a'))
    await vi.waitUntil(() => server.asked.length === 1)
    const gone = once(server.asked[0]!.res, 'close')
    upstream.cancel('"a"')
    await expect(sending).rejects.toThrow('cancelled')
    await gone
    await vi.waitUntil(() => server.asked.length === 2)
    expect(server.asked[1]?.message).toEqual({
      jsonrpc,
      method: 'notifications/cancelled',
      params: { requestId: 'a' },
    })
  })

  it('keeps a number a number, and the other requests going', async () => {
    const { server, heard, upstream } = await open((asked) => {
      if (asked.message.id === undefined) answerJson(asked, '', { status: 202 })
    })
    const [first, second] = [upstream.send(aRequest(1)), upstream.send(aRequest(2))]
    await vi.waitUntil(() => server.asked.length === 2)
    upstream.cancel('1')
    await expect(first).rejects.toThrow('cancelled')
    answerJson(
      server.asked.find(({ message }) => message.id === 2)!,
      {
        jsonrpc,
        id: 2,
        result: {},
      },
    )
    await second
    expect(await heard.next()).toMatchObject({ id: 2 })
    await vi.waitUntil(() => server.asked.length === 3)
    expect(server.asked[2]?.message.params).toEqual({ requestId: 1 })
  })

  it('by close rejects what is under way', async () => {
    const { server, heard, upstream } = await open(() => undefined)
    const sending = upstream.send(aRequest(1))
    await vi.waitUntil(() => server.asked.length === 1)
    await Promise.all([expect(sending).rejects.toThrow('closed'), upstream.close()])
    expect(await heard.closed).toBeUndefined()
  })
})

describe('what the server says outside of calls', () => {
  it('is heard on a GET stream, which is opened again where it ended', async () => {
    const { server, heard, upstream } = await open((asked) => {
      if (asked.method === 'POST') {
        respond(asked, {})
        return
      }
      beginEvents(asked)
      const id = asked.headers['last-event-id']
      if (id === undefined) asked.res.end(frame({ jsonrpc, method: 'notifications/a' }, 'g-1'))
      else asked.res.write(frame({ jsonrpc, method: 'notifications/b' }))
    })
    upstream.listen()
    expect(await heard.next()).toMatchObject({ method: 'notifications/a' })
    expect(await heard.next()).toMatchObject({ method: 'notifications/b' })
    const again = server.by('GET')[1]
    expect(again?.headers['last-event-id']).toBe('g-1')
    const gone = once(again!.res, 'close')
    await upstream.close()
    await gone
  })

  it('is nothing where the server offers no such stream', async () => {
    const { server, upstream } = await open((asked) => answerJson(asked, '', { status: 405 }))
    upstream.listen()
    await vi.waitUntil(() => server.by('GET').length === 1)
    await upstream.close()
    expect(server.by('GET')).toHaveLength(1)
  })

  it('is nothing, and the session goes on, where the server knows neither the stream nor a ping', async () => {
    const { server, heard, upstream } = await open((asked) => {
      const { method, id } = asked.message
      const result = { protocolVersion: '2025-06-18', capabilities: {} }
      const headers = { 'mcp-session-id': 's-1' }
      if (method === 'initialize') answerJson(asked, { jsonrpc, id, result }, { headers })
      else answerJson(asked, '', { status: 404 })
    })
    await upstream.send(aRequest(1, 'initialize'))
    upstream.listen()
    await upstream.heard?.()
    expect([server.by('GET').length, heard.closings()]).toEqual([1, 0])
    await upstream.close()
  })
})
