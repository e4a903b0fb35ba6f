import { once } from 'node:events'
import { backendOf, httpEndpoint } from '@mcp-router/testkit/backend'
import { aRequest, ask, follow, initialize, jsonOf } from '@mcp-router/testkit/client'
import { openGateway } from '@mcp-router/testkit/router'
import { deadUrl, echo, openEndpoint } from '@mcp-router/testkit/server'
import type { Asked } from '@mcp-router/testkit/server'
import { describe, expect, it } from 'vitest'

const open = async (answer?: (asked: Asked) => void) => {
  const endpoint = await openEndpoint(answer)
  const one = backendOf('weather', [httpEndpoint(endpoint.url)])
  const other = backendOf('other', [httpEndpoint(endpoint.url)])
  const gateway = await openGateway({ backends: [one, other] })
  return { endpoint, gateway, url: `${gateway.url}/mcp/weather` }
}

const ping = aRequest(7, 'ping')

describe('a session is not found', () => {
  it.each([
    ['under an unknown id', {}, 'weather', 'no-such-session'],
    ['under an id that cannot be one', {}, 'weather', 'é'.repeat(10)],
    ['by another principal', { 'x-principal': 'eve' }, 'weather', undefined],
    ['at another backend', {}, 'other', undefined],
  ])('%s', async (_, change, backend, id) => {
    const { endpoint, gateway, url } = await open()
    const { headers, session } = await initialize(url)
    const all = { ...headers, ...change, 'mcp-session-id': encodeURI(id ?? session) }
    const told = await ask(`${gateway.url}/mcp/${backend}`, { headers: all, body: ping })
    expect(told.status).toBe(404)
    expect(jsonOf(told)).toMatchObject({ id: 7, error: { code: -32001 } })
    for (const method of ['GET', 'DELETE']) {
      const headersOf = { ...all, accept: 'text/event-stream' }
      const { status } = await ask(`${gateway.url}/mcp/${backend}`, { method, headers: headersOf })
      expect(status).toBe(404)
    }
    expect(endpoint.asked).toHaveLength(1)
    expect((await ask(url, { headers, body: ping })).status).toBe(200)
  })
})

describe('a session that its endpoint has forgotten', () => {
  it('is opened anew there, once for all who wait, and the message sent again', async () => {
    const { endpoint, gateway, url } = await open()
    const { headers } = await initialize(url)
    endpoint.forget()
    const all = await Promise.all(
      [1, 2, 3].map((n) => ask(url, { headers, body: aRequest(n, 'ping') })),
    )
    expect(all.map(({ status }) => status)).toEqual([200, 200, 200])
    const opened = endpoint.asked.filter(({ message }) => message.method === 'initialize')
    expect(opened).toHaveLength(2)
    expect(gateway.ended).toEqual([])
  })
})

describe('a request is refused', () => {
  const json = { 'content-type': 'application/json' }

  it.each([
    ['without a session', { body: ping }, 400, -32000],
    ['that is no JSON', { body: '{' }, 400, -32700],
    ['that is a batch', { body: [ping] }, 400, -32600],
    ['that is no JSON-RPC', { body: { id: 7, method: 'ping' } }, 400, -32600],
    [
      'of a media type that is not JSON',
      { body: ping, headers: { 'content-type': 'text/plain' } },
      415,
      -32000,
    ],
    [
      'that accepts neither form of an answer',
      { body: ping, headers: { accept: 'text/plain' } },
      406,
      -32000,
    ],
    [
      'in an unknown revision',
      { body: ping, headers: { 'mcp-protocol-version': '1999-01-01' } },
      400,
      -32000,
    ],
    ['that is too big', { body: `"${'x'.repeat(1024 * 1024)}"` }, 413, -31413],
    ['by a method that MCP does not have', { method: 'PUT', headers: json }, 405, -32000],
  ])('%s', async (_, question, status, code) => {
    const { endpoint, url } = await open()
    const told = await ask(url, question)
    expect([told.status, jsonOf(told)]).toMatchObject([status, { jsonrpc: '2.0', error: { code } }])
    expect(endpoint.asked).toEqual([])
  })

  it('to a server that is not known, and those known are named', async () => {
    const { gateway } = await open()
    const told = await ask(`${gateway.url}/mcp/nobody`, { body: ping })
    expect(told.status).toBe(404)
    expect(told.text).toContain('weather, other')
  })

  it('with the methods that there are', async () => {
    const { url } = await open()
    expect((await ask(url, { method: 'PUT' })).headers.allow).toBe('GET, POST, DELETE')
    const accept = { accept: 'text/event-stream' }
    const told = await ask(url, { headers: accept })
    expect(told).toMatchObject({ status: 405, headers: { allow: 'POST' } })
    expect(told.text).toContain('GET needs Mcp-Session-Id: send initialize first')
  })

  it('with the name of the servers file, not where it is', async () => {
    const endpoint = await openEndpoint()
    const backends = [backendOf('weather', [httpEndpoint(endpoint.url)])]
    const options = { serversFile: '/srv/secret-place/mine.json' }
    const { url } = await openGateway({ backends, options })
    const { text } = await ask(`${url}/mcp/nothing`, { headers: json, body: ping })
    expect(text).toContain('known are weather; servers are registered in mine.json')
    expect(text).not.toContain('secret-place')
  })

  it('with its id, whatever is wrong with it', async () => {
    const { url } = await open()
    expect(jsonOf(await ask(url, { body: ping }))['id']).toBe(7)
    const headers = { 'content-type': 'text/plain' }
    expect(jsonOf(await ask(url, { body: aRequest('a', 'ping'), headers }))['id']).toBe('a')
  })
})

describe('an endpoint that cannot be reached', () => {
  it('is passed over when a session is opened', async () => {
    const endpoint = await openEndpoint()
    const endpoints = [httpEndpoint(await deadUrl(), 5), httpEndpoint(endpoint.url)]
    const gateway = await openGateway({ backends: [backendOf('weather', endpoints)] })
    const { told } = await initialize(`${gateway.url}/mcp/weather`)
    expect(told.status).toBe(200)
    expect(gateway.router.stateOf(endpoints[0]!)).toBe('down')
  })

  it('is told as 503 when there is no other, and when to come back', async () => {
    const backends = [backendOf('weather', [httpEndpoint(await deadUrl())])]
    const { told } = await initialize(`${(await openGateway({ backends })).url}/mcp/weather`)
    expect(told).toMatchObject({ status: 503, headers: { 'retry-after': '2' } })
    expect(jsonOf(told)).toMatchObject({ id: 0, error: { code: -31503 } })
  })

  it('in the middle of an answer is told as an outcome unknown', async () => {
    const { gateway, url } = await open(({ res }) => void res.destroy())
    const { headers } = await initialize(url)
    const told = await ask(url, { headers, body: ping })
    expect([told.status, jsonOf(told)]).toMatchObject([502, { id: 7, error: { code: -31502 } }])
    expect(gateway.calls().at(-1)).toMatchObject({ status: 502, outcome: 'UPSTREAM_FAILED' })
  })

  it('in the middle of a stream is told as its last event', async () => {
    const { url } = await open(({ res }) => {
      res.writeHead(200, { 'content-type': 'text/event-stream' })
      res.write('data: {"jsonrpc":"2.0","method":"notifications/x"}\n\n', () => res.destroy())
    })
    const { headers } = await initialize(url)
    const events = await follow(url, {
      method: 'POST',
      headers: { ...headers, accept: '*/*' },
      body: aRequest(7, 'write'),
    })
    expect(await events.message()).toMatchObject({ method: 'notifications/x' })
    expect(await events.message()).toMatchObject({
      id: 7,
      error: { code: -31001, data: { method: 'write', repeated: false } },
    })
  })

  it('in the middle of an event says nothing of that', async () => {
    const { url } = await open(({ res }) => {
      res.writeHead(200, { 'content-type': 'text/event-stream' })
      res.write('data: {"jsonrpc":"2.0","method":"notifications/x"}\n\n')
      setImmediate(() => res.write('data: {"half', () => res.destroy()))
    })
    const { headers } = await initialize(url)
    const { text } = await ask(url, { headers, body: aRequest(7, 'write') })
    expect(text).not.toContain('half')
    expect(text).toContain('"code":-31001')
  })

  it('in the middle of what may run twice gets it again, on the same stream', async () => {
    let asked = 0
    const { url } = await open(({ res }) => {
      res.writeHead(200, { 'content-type': 'text/event-stream' })
      if (++asked === 1)
        res.write('data: {"jsonrpc":"2.0","method":"notifications/x"}\n\n', () => res.destroy())
      else res.end('data: {"jsonrpc":"2.0","id":7,"result":{}}\n\n')
    })
    const { headers } = await initialize(url)
    const { text } = await ask(url, { headers, body: ping })
    expect([asked, text]).toEqual([2, expect.stringMatching(/notifications.x[^]*"id":7,"result"/)])
  })

  it('that answers with a page returns UPSTREAM_BAD_ANSWER', async () => {
    const page = await openEndpoint(undefined, {
      greet: ({ res }) => {
        res.writeHead(200, { 'content-type': 'text/html' }).end('<html>')
      },
    })
    const backends = [backendOf('weather', [httpEndpoint(page.url)])]
    const { told } = await initialize(`${(await openGateway({ backends })).url}/mcp/weather`)
    expect([told.status, jsonOf(told)]).toMatchObject([502, { id: 0, error: { code: -31502 } }])
    expect(told.text).toContain('returned an invalid MCP response')
  })

  it('that refuses to initialize is passed on as it says it, and there is no session', async () => {
    const text = '{"jsonrpc":"2.0","id":0,"error":{"code":-32602,"message":"no"}}'
    const strict = await openEndpoint(undefined, {
      greet: ({ res }) => {
        res.writeHead(400, { 'content-type': 'application/json' }).end(text)
      },
    })
    const backends = [backendOf('weather', [httpEndpoint(strict.url)])]
    const { told } = await initialize(`${(await openGateway({ backends })).url}/mcp/weather`)
    expect(told).toMatchObject({ status: 400, text })
    expect(told.headers).not.toHaveProperty('mcp-session-id')
  })
})

describe('a client that leaves', () => {
  it.each([
    ['before the answer', () => undefined],
    [
      'within a stream',
      ({ res }: Asked) => {
        res.writeHead(200, { 'content-type': 'text/event-stream' }).flushHeaders()
      },
    ],
  ])('%s has its request broken off at the endpoint, and is counted as gone', async (_, start) => {
    const { endpoint, gateway, url } = await open(start)
    const { headers } = await initialize(url)
    const leaving = new AbortController()
    const asking = ask(url, { headers, body: ping, signal: leaving.signal })
    asking.catch(() => undefined)
    await expect.poll(() => endpoint.by('ping').length).toBe(1)
    const gone = once(endpoint.by('ping')[0]!.res, 'close')
    leaving.abort()
    await gone
    await expect.poll(() => gateway.calls().at(-1)).toMatchObject({ status: 499 })
    expect(gateway.router.calls()).toBe(0)
  })

  it('after initialize takes nothing along of what others do', async () => {
    const { endpoint, url } = await open(() => undefined)
    const { headers } = await initialize(url)
    const asking = ask(url, { headers, body: ping })
    await expect.poll(() => endpoint.by('ping').length).toBe(1)
    await Promise.all([initialize(url), initialize(url)])
    echo(endpoint.by('ping')[0]!)
    expect((await asking).status).toBe(200)
  })
})
