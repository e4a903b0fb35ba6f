import { notificationBytes, scanMessage } from '@mcp-router/protocol'
import { answerJson, beginEvents, frame, openHttp } from '@mcp-router/testkit/server'
import type { Asked } from '@mcp-router/testkit/server'
import {
  aRequest,
  backendOf,
  createEvents,
  createHeard,
  httpEndpoint,
} from '@mcp-router/testkit/upstream'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { SessionLost } from '../upstream.js'
import { createHttpClient } from './client.js'
import { openHttpUpstream } from './upstream.js'

const jsonrpc = '2.0'
const pong = ({ message }: Asked) => ({ jsonrpc, id: message.id, result: {} })

/** An Upstream to a server that opens the session `s-1` and leaves the rest to the test. */
const open = async (answer: (asked: Asked) => void) => {
  const server = await openHttp((asked) => {
    if (asked.message.method !== 'initialize') {
      answer(asked)
      return
    }
    const result = { protocolVersion: '2025-06-18', capabilities: {} }
    const headers = { 'mcp-session-id': 's-1' }
    answerJson(asked, { jsonrpc, id: asked.message.id, result }, { headers })
  })
  const client = createHttpClient({ connectTimeoutMs: 1_000 })
  onTestFinished(() => client.close())
  const heard = createHeard()
  const endpoint = httpEndpoint(`${server.origin}/mcp?k=1`, { headers: { 'x-key': 'k' } })
  const upstream = openHttpUpstream({
    client,
    endpoint,
    backend: backendOf(endpoint).name,
    listener: heard,
    events: createEvents(),
  })
  return { server, heard, upstream }
}

const openSession = async (answer: (asked: Asked) => void) => {
  const opened = await open(answer)
  await opened.upstream.send(aRequest(0, 'initialize'))
  await opened.heard.next()
  return opened
}

it('a notification is taken once the server says so, though its answer has no end', async () => {
  const left = vi.fn()
  const { upstream } = await openSession(({ res }) => {
    res.on('close', left)
    res.writeHead(202).write('{')
  })
  await upstream.send(scanMessage(notificationBytes('notifications/initialized')))
  await expect.poll(() => left.mock.calls.length).toBe(1)
})

it('a response counts whose stream goes on behind it, which is left', async () => {
  const left = vi.fn()
  const { upstream, heard } = await openSession((asked) => {
    asked.res.on('close', left)
    beginEvents(asked)
    asked.res.write(frame({ jsonrpc, id: 7, result: {} }))
  })
  await upstream.send(aRequest(7))
  expect(await heard.next()).toMatchObject({ id: 7 })
  expect(left.mock.calls.length).toBe(1)
})

describe('an answer', () => {
  it('comes as JSON, byte by byte', async () => {
    const { upstream, heard } = await open((asked) =>
      answerJson(asked, ' {"jsonrpc":"2.0", "x":1.50,"id":7,"result":{}}'),
    )
    await upstream.send(aRequest(7))
    expect(heard.messages.map(({ bytes }) => bytes.toString())).toEqual([
      ' {"jsonrpc":"2.0", "x":1.50,"id":7,"result":{}}',
    ])
  })

  it('comes as a stream, with what the server says before it', async () => {
    const { upstream, heard } = await open((asked) => {
      beginEvents(asked)
      asked.res.write(': hello\n\nid: 1\ndata: \n\n')
      asked.res.write(frame({ jsonrpc, method: 'notifications/progress' }))
      asked.res.end(frame({ jsonrpc, id: 'a', result: {} }))
    })
    await upstream.send(aRequest('a'))
    expect(heard.messages.map(({ kind, id }) => [kind, id])).toEqual([
      ['notification', ''],
      ['response', '"a"'],
    ])
  })

  it('may be an error with status 400 that carries the id', async () => {
    const { upstream, heard } = await open((asked) =>
      answerJson(asked, { jsonrpc, id: 7, error: { code: -32602, message: 'm' } }, { status: 400 }),
    )
    await upstream.send(aRequest(7))
    expect(await heard.next()).toMatchObject({ id: 7, error: { code: -32602 } })
  })

  it.each([
    ['a page', 200, 'text/html', '<html>', 'UPSTREAM_BAD_ANSWER'],
    ['JSON that is no message', 200, 'application/json', '{"ok":true}', 'UPSTREAM_BAD_ANSWER'],
    ['a batch', 200, 'application/json', '[]', 'UPSTREAM_BAD_ANSWER'],
    [
      'an event that is no message',
      200,
      'text/event-stream',
      'data: hi\n\n',
      'UPSTREAM_BAD_ANSWER',
    ],
    ['a refusal as text', 500, 'text/plain', 'no', 'UPSTREAM_BAD_ANSWER'],
    [
      'a refusal as JSON',
      401,
      'application/json',
      '{"detail":"no"}',
      'UPSTREAM_CREDENTIAL_REFUSED',
    ],
    ['a 404 before there is a session', 404, 'text/plain', '', 'UPSTREAM_BAD_ANSWER'],
    ['nothing', 202, 'application/json', '', 'UPSTREAM_BAD_ANSWER'],
    ['misdirected', 421, 'text/plain', 'no', 'UPSTREAM_BAD_ANSWER'],
    ['to come later', 503, 'text/plain', 'no', 'UPSTREAM_BUSY'],
    ['half of it', 200, 'application/json', '{"jsonrpc":"2.0","id":7,"re', 'UPSTREAM_BAD_ANSWER'],
    [
      'the result of another request',
      200,
      'application/json',
      '{"jsonrpc":"2.0","id":8,"result":{}}',
      'UPSTREAM_BAD_ANSWER',
    ],
    [
      'an event that is the result of another request',
      200,
      'text/event-stream',
      'data: {"jsonrpc":"2.0","id":8,"result":{}}\n\n',
      'UPSTREAM_BAD_ANSWER',
    ],
    [
      'a result of another media type',
      200,
      'text/plain',
      '{"jsonrpc":"2.0","id":7,"result":{}}',
      'UPSTREAM_BAD_ANSWER',
    ],
  ])('that is %s rejects', async (_, status, type, body, code) => {
    const { upstream, heard } = await open(({ res }) => {
      res.writeHead(status, { 'content-type': type })
      res.end(body)
    })
    await expect(upstream.send(aRequest(7))).rejects.toMatchObject({ code })
    expect(heard.messages).toEqual([])
  })
})

describe('a notification', () => {
  const initialized = scanMessage(notificationBytes('notifications/initialized'))

  it.each(['', '{"status":"accepted"}', 'null'])('is taken with 202 and %j', async (body) => {
    const { upstream } = await open((asked) => answerJson(asked, body, { status: 202 }))
    await upstream.send(initialized)
  })

  it('that the server refuses rejects', async () => {
    const { upstream } = await open((asked) => answerJson(asked, '', { status: 400 }))
    await expect(upstream.send(initialized)).rejects.toMatchObject({ code: 'UPSTREAM_BAD_ANSWER' })
  })
})

describe('a session', () => {
  it('is told with every request after initialize, and so is the revision', async () => {
    const { server, upstream } = await openSession((asked) =>
      answerJson(asked, { jsonrpc, id: asked.message.id, result: {} }),
    )
    await upstream.send(aRequest(1))
    const [first, second] = server.asked
    expect(first?.headers).toMatchObject({
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
      'x-key': 'k',
    })
    expect(first?.path).toBe('/mcp?k=1')
    expect(first?.headers).not.toHaveProperty('mcp-session-id')
    expect(second?.headers).toMatchObject({
      'mcp-session-id': 's-1',
      'mcp-protocol-version': '2025-06-18',
      'x-key': 'k',
    })
  })

  it.each([
    ['text', 'text/plain', 'gone'],
    ['an error without id', 'application/json', '{"jsonrpc":"2.0","id":null,"error":{}}'],
    ['an error with the id', 'application/json', '{"jsonrpc":"2.0","id":1,"error":{}}'],
    ['JSON of its own', 'application/json', '{"detail":"Not Found"}'],
  ])('is lost when the server answers 404 to all with %s', async (_, type, body) => {
    const { upstream, heard } = await openSession(({ res }) => {
      res.writeHead(404, { 'content-type': type })
      res.end(body)
    })
    await expect(upstream.send(aRequest(1))).rejects.toBeInstanceOf(SessionLost)
    expect(heard.messages.filter(({ id }) => id === '1')).toEqual([])
  })

  it('is kept where the server knows it', async () => {
    const { server, upstream } = await openSession((asked) => {
      if (asked.message.method === 'ping') answerJson(asked, pong(asked))
      else answerJson(asked, '', { status: 404 })
    })
    const calls = [1, 2, 3].map((id) => upstream.send(aRequest(id)))
    for (const call of calls)
      await expect(call).rejects.toMatchObject({
        code: 'UPSTREAM_BAD_ANSWER',
        data: { reason: 'HTTP 404' },
      })
    expect(server.asked.some(({ message }) => message.method === 'ping')).toBe(true)
  })

  it('is kept where the stream that it had is refused later as if the session were lost', async () => {
    let given = 0
    const { server, heard, upstream } = await openSession((asked) => {
      if (asked.method === 'POST') answerJson(asked, pong(asked))
      else if (given++ > 0) asked.res.writeHead(404).end()
      else {
        beginEvents(asked)
        asked.res.end()
      }
    })
    upstream.listen()
    await vi.waitUntil(() => server.by('ping').length > 0, { timeout: 5_000 })
    await upstream.send(aRequest(1))
    expect(await heard.next()).toMatchObject({ id: 1, result: {} })
    expect(heard.closings()).toBe(0)
  })

  it('is ended at the server by close, once', async () => {
    const { server, heard, upstream } = await openSession(({ res }) => res.end())
    await Promise.all([upstream.close(), upstream.close()])
    const last = server.asked.at(-1)
    expect([last?.method, last?.headers['mcp-session-id']]).toEqual(['DELETE', 's-1'])
    expect(server.asked).toHaveLength(2)
    expect(await heard.closed).toBeUndefined()
    expect(heard.closings()).toBe(1)
  })

  it('that the server never gave is not ended there', async () => {
    const { server, upstream } = await open(() => undefined)
    await upstream.close()
    expect(server.asked).toEqual([])
  })
})
