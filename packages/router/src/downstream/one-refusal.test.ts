import { backendOf, httpEndpoint } from '@mcp-router/testkit/backend'
import { aRequest, ask, begin, initialize, jsonOf } from '@mcp-router/testkit/client'
import { openGateway } from '@mcp-router/testkit/router'
import { echo, openEndpoint } from '@mcp-router/testkit/server'
import type { Asked } from '@mcp-router/testkit/server'
import { describe, expect, it } from 'vitest'

const json = { 'content-type': 'application/json' }
type Answer = (asked: Pick<Asked, 'res' | 'message'>) => void

describe('the stream of its own that a client asks for', () => {
  it.each<[string, Answer]>([
    ['404', ({ res }) => void res.writeHead(404).end()],
    ['405', ({ res }) => void res.writeHead(405).end()],
    ['JSON', ({ res }) => void res.writeHead(200, json).end('{"status":"ok"}')],
    ['a page', ({ res }) => void res.writeHead(200, { 'content-type': 'text/html' }).end('<html>')],
  ])('is refused with 405 where the server answers with %s, and calls go on', async (_, answer) => {
    const endpoint = await openEndpoint((asked) =>
      asked.method === 'GET' ? answer(asked) : echo(asked),
    )
    const gateway = await openGateway({
      backends: [backendOf('weather', [httpEndpoint(endpoint.url)])],
    })
    const url = `${gateway.url}/mcp/weather`
    const { headers } = await initialize(url)
    const refused = await begin(url, { headers: { ...headers, accept: 'text/event-stream' } })
    expect([refused.statusCode, refused.headers.allow]).toEqual([405, 'POST, DELETE'])
    expect((await ask(url, { headers, body: aRequest(1, 'read') })).status).toBe(200)
    expect(endpoint.by('read')[0]?.headers['mcp-session-id']).toBe('s-1')
    expect(gateway.ended).toEqual([])
  })
})

describe('a method that the server does not know', () => {
  it.each<[string, Answer, object]>([
    ['without a word', ({ res }) => void res.writeHead(404).end(), { code: -31502 }],
    [
      'with an error',
      ({ res, message: { id } }) => {
        const error = { code: -32601, message: 'Method not found' }
        res.writeHead(404, json).end(JSON.stringify({ jsonrpc: '2.0', id, error }))
      },
      { code: -32601 },
    ],
  ])('and answers with 404 %s is the error of that call alone', async (_, answer, error) => {
    const endpoint = await openEndpoint((asked) =>
      asked.message.method === 'resources/list' ? answer(asked) : echo(asked),
    )
    const gateway = await openGateway({
      backends: [backendOf('weather', [httpEndpoint(endpoint.url)])],
    })
    const url = `${gateway.url}/mcp/weather`
    const { headers } = await initialize(url)
    for (let id = 1; id <= 3; id++) {
      const told = await ask(url, { headers, body: aRequest(id, 'resources/list') })
      expect(jsonOf(told)).toMatchObject({ id, error })
      // A client would take 404 for the end of its session.
      expect(told.status).not.toBe(404)
    }
    expect((await ask(url, { headers, body: aRequest(9, 'read') })).status).toBe(200)
    expect(endpoint.by('read')[0]?.headers['mcp-session-id']).toBe('s-1')
    expect(gateway.ended).toEqual([])
  })
})

describe('a server that has forgotten its sessions says', () => {
  const noPing = {}
  const rpcError = (message: string, id: unknown = null) =>
    JSON.stringify({ jsonrpc: '2.0', id, error: { code: -32000, message } })

  it.each<[string, number, Record<string, string>, (id: unknown) => string]>([
    ['404', 404, {}, () => ''],
    [
      '400 as the TypeScript SDK',
      400,
      json,
      () => rpcError('Bad Request: No valid session ID provided'),
    ],
    [
      '400 as one that was not initialized',
      400,
      json,
      () => rpcError('Bad Request: Server not initialized'),
    ],
    ['400 as the Python SDK', 400, {}, () => 'Bad Request: No valid session ID provided'],
    ['404 as the Go SDK', 404, { 'content-type': 'text/plain' }, () => 'session not found\n'],
    ['401 as the Rust SDK', 401, {}, () => 'Unauthorized: Session not found'],
    ['422 as the Rust SDK', 422, {}, () => 'Unexpected message, expect initialize request'],
    ['404, and no ping is answered', 404, noPing, () => 'session not found'],
    ['200 with an error', 200, json, (id) => rpcError('Session not found', id)],
    [
      '200 as one that was not initialized',
      200,
      json,
      (id) => rpcError('Server not initialized', id),
    ],
  ])('%s, and every way goes on in a new one', async (_, status, head, text) => {
    const known = new Set<unknown>()
    const forgetful = (asked: Asked): void => {
      if (known.has(asked.headers['mcp-session-id'])) echo(asked)
      else if (head === noPing && asked.message.method === 'ping') asked.res.destroy()
      else asked.res.writeHead(status, head).end(text(asked.message.id))
    }
    let opened = 0
    const endpoint = await openEndpoint(forgetful, {
      greet: ({ res, message }) => {
        known.add(`k-${++opened}`)
        res.writeHead(200, { ...json, 'mcp-session-id': `k-${opened}` })
        const handshake = {
          protocolVersion: '2025-06-18',
          capabilities: {},
          serverInfo: { name: 's' },
        }
        res.end(JSON.stringify({ jsonrpc: '2.0', id: message.id, result: handshake }))
      },
      knowsAll: true,
    })
    const gateway = await openGateway({
      backends: [backendOf('weather', [httpEndpoint(endpoint.url)])],
    })
    const url = `${gateway.url}/mcp/weather`
    const { headers } = await initialize(url)
    const call = (id: number) => ask(url, { headers, body: aRequest(id, 'write', { id }) })
    const route = (id: number) =>
      ask(`${gateway.url}/mcp/router/route/weather`, { body: aRequest(id, 'write', { id }) })
    await Promise.all([call(1), route(2)])
    known.clear()
    for (const [id, told] of [
      [3, await call(3)],
      [4, await route(4)],
    ] as const)
      expect([told.status, jsonOf(told)]).toMatchObject([200, { id, result: { id } }])
    expect([endpoint.by('initialize').length, gateway.ended]).toEqual([4, []])
  })
})

it('initialize within an old session opens a new one', async () => {
  const endpoint = await openEndpoint()
  const { url } = await openGateway({
    backends: [backendOf('weather', [httpEndpoint(endpoint.url)])],
  })
  const { headers, session } = await initialize(`${url}/mcp/weather`)
  const again = await initialize(`${url}/mcp/weather`, headers)
  const stale = await initialize(`${url}/mcp/weather`, { 'mcp-session-id': 'long-gone' })
  for (const { told, session: id } of [again, stale]) {
    expect(told.status).toBe(200)
    expect(id).not.toBe(session)
  }
})

it.each(['logging/setLevel', 'resources/subscribe', 'resources/unsubscribe'])(
  '%s without a session is refused: it would change the one that all callers share',
  async (method) => {
    const endpoint = await openEndpoint()
    const { url } = await openGateway({
      backends: [backendOf('weather', [httpEndpoint(endpoint.url)])],
    })
    const told = await ask(`${url}/mcp/router/route/weather`, { body: aRequest(1, method) })
    expect([told.status, jsonOf(told)]).toMatchObject([
      400,
      { id: 1, error: { code: -32600, message: expect.stringContaining('/mcp/weather') } },
    ])
    expect(endpoint.asked).toEqual([])
  },
)

it('an error that repeats a long id is passed on, under whatever status it comes', async () => {
  const endpoint = await openEndpoint((asked) => {
    const { id, method } = asked.message
    const error = { code: -32601, message: 'Method not found' }
    if (method !== 'no/such') echo(asked)
    else asked.res.writeHead(404, json).end(JSON.stringify({ jsonrpc: '2.0', id, error }))
  })
  const gateway = await openGateway({
    backends: [backendOf('weather', [httpEndpoint(endpoint.url)])],
  })
  const url = `${gateway.url}/mcp/weather`
  const { headers } = await initialize(url)
  const id = 'x'.repeat(70_000)
  const told = await ask(url, { headers, body: aRequest(id, 'no/such') })
  expect(jsonOf(told)).toMatchObject({ id, error: { code: -32601 } })
})
