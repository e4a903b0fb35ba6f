import { backendOf, httpEndpoint } from '@mcp-router/testkit/backend'
import { aRequest, ask, follow, initialize, jsonOf } from '@mcp-router/testkit/client'
import { openGateway, openStore } from '@mcp-router/testkit/router'
import { echo, openEndpoint } from '@mcp-router/testkit/server'
import type { Asked } from '@mcp-router/testkit/server'
import { describe, expect, it } from 'vitest'

const open = async (answer?: (asked: Asked) => void) => {
  const endpoint = await openEndpoint(answer)
  const gateway = await openGateway({
    backends: [backendOf('weather', [httpEndpoint(endpoint.url)])],
  })
  return { endpoint, gateway, url: `${gateway.url}/mcp/weather` }
}

describe('a session over http', () => {
  it('begins with an id of the router’s own, the answer passed on byte by byte', async () => {
    const { endpoint, gateway, url } = await open()
    const { told, session } = await initialize(url)
    expect(told.status).toBe(200)
    expect(told.text).toMatch(/"2025-06-18", "capabilities":\{\} , .*"id":0, "jsonrpc":"2.0" \}$/)
    expect(session).toMatch(/^[0-9a-f-]{36}$/)
    expect(await gateway.store.sessions.find(session as never)).toMatchObject({
      backend: 'weather',
      principal: 'ada',
      backendSessionId: 's-1',
      revision: '2025-06-18',
      endpoint: endpoint.url,
      epoch: 0,
    })
  })

  it.each([
    ' {\t"jsonrpc" : "2.0",\n"id":"1", "method":"tools/call","x-unknown":[1.50, 1e2,-0],"params":{"é":"😀\\u0000"}} \r\n',
    '{"jsonrpc":"2.0","id":12345678901234567890,"method":"m","params":{"big":9007199254740993}}',
  ])('passes a request and its answer unchanged: %j', async (text) => {
    const id = /"id":("1"|\d+)/.exec(text)?.[1] ?? ''
    const answer = `{"id":${id} ,"jsonrpc":"2.0",  "result":{"n":1.0,"u":"\\u00e9é\x7f😀"},"extra":null}\n`
    const { endpoint, url } = await open(({ res }) => {
      res.writeHead(200, { 'content-type': 'application/json; charset=utf-8' })
      res.end(answer)
    })
    const { headers } = await initialize(url)
    const told = await ask(url, { headers, body: text })
    expect(told).toMatchObject({ status: 200, text: answer })
    expect(told.headers['content-type']).toBe('application/json; charset=utf-8')
    expect(endpoint.asked.at(-1)?.text).toBe(text)
  })

  it.each([1, '1', 0, -1, 'é"\\', 'x'.repeat(1_000)])(
    'keeps the id %j and its type',
    async (id) => {
      const { url } = await open()
      const { headers } = await initialize(url)
      expect(jsonOf(await ask(url, { headers, body: aRequest(id, 'ping') }))['id']).toBe(id)
    },
  )

  it('speaks to the endpoint in its own session and revision', async () => {
    const { endpoint, url } = await open()
    const { headers } = await initialize(url, { authorization: 'Bearer secret' })
    const traced = { ...headers, traceparent: '00-ab-cd-01', cookie: 'c=1' }
    await ask(url, { headers: traced, body: aRequest(1, 'ping') })
    const { headers: got } = endpoint.by('ping')[0]!
    expect(got).toMatchObject({
      'mcp-session-id': 's-1',
      'mcp-protocol-version': '2025-06-18',
      traceparent: '00-ab-cd-01',
    })
    expect(got).not.toHaveProperty('authorization')
    expect(got).not.toHaveProperty('cookie')
  })

  it('passes a stream event by event, an answer within it', async () => {
    const { url } = await open(({ res, message }) => {
      res.writeHead(200, { 'content-type': 'text/event-stream' })
      res.write('id: 1\ndata: \n\n: odd   spacing\n\n')
      res.write('event: message\ndata: {"jsonrpc":"2.0","method":"notifications/x"}\n\n')
      res.end(`data: {"jsonrpc":"2.0","id":${JSON.stringify(message.id)},"result":{}}\n\n`)
    })
    const { headers } = await initialize(url)
    const told = await ask(url, { headers, body: aRequest('a', 'tools/call') })
    expect(told.headers).toMatchObject({
      'content-type': 'text/event-stream',
      'cache-control': 'no-cache, no-transform',
      'x-accel-buffering': 'no',
    })
    expect(told.text).toBe(
      // A client of this revision fails on an event without data.
      'event: message\ndata: {"jsonrpc":"2.0","method":"notifications/x"}\n\n' +
        'event: message\ndata: {"jsonrpc":"2.0","id":"a","result":{}}\n\n',
    )
  })

  it('passes big answers, one after the other', async () => {
    const { url } = await open()
    const { headers } = await initialize(url)
    const params = { text: 'é'.repeat(200_000) }
    for (const id of [1, 2, 3]) {
      const told = await ask(url, { headers, body: aRequest(id, 'tools/call', params) })
      expect(jsonOf(told)).toEqual({ jsonrpc: '2.0', id, result: params })
    }
  })

  it('takes notifications with 202 and no body', async () => {
    const { endpoint, url } = await open()
    const { headers } = await initialize(url)
    const body = { jsonrpc: '2.0', method: 'notifications/initialized' }
    expect(await ask(url, { headers, body })).toMatchObject({ status: 202, text: '' })
    expect(endpoint.by('notifications/initialized')).toHaveLength(1)
  })

  it('follows what the endpoint says outside of calls, from where the client was', async () => {
    const { endpoint, url } = await open(({ res }) => {
      res.writeHead(200, { 'content-type': 'text/event-stream' })
      res.write('id: 8\ndata: {"jsonrpc":"2.0","method":"notifications/x"}\n\n')
    })
    const { headers } = await initialize(url)
    const events = await follow(url, { headers: { ...headers, 'last-event-id': '7' } })
    expect(await events.next()).toMatchObject({ id: '8' })
    expect(endpoint.by('GET')[0]?.headers['last-event-id']).toBe('7')
  })

  it('ends here and at the endpoint', async () => {
    const { endpoint, gateway, url } = await open()
    const { headers, session } = await initialize(url)
    expect((await ask(url, { method: 'DELETE', headers })).status).toBe(200)
    expect(endpoint.by('DELETE')[0]?.headers['mcp-session-id']).toBe('s-1')
    expect(gateway.ended).toEqual([session])
    expect((await ask(url, { headers, body: aRequest(1, 'ping') })).status).toBe(404)
  })

  it('goes on at any instance', async () => {
    const endpoint = await openEndpoint(echo)
    const backends = [backendOf('weather', [httpEndpoint(endpoint.url)])]
    const store = openStore()
    const [a, b] = await Promise.all([
      openGateway({ backends, store }),
      openGateway({ backends, store, instance: 'router-instance-2' }),
    ])
    const { headers, session } = await initialize(`${a.url}/mcp/weather`)
    const there = `${b.url}/mcp/weather`
    expect(jsonOf(await ask(there, { headers, body: aRequest(1, 'ping') }))).toMatchObject({
      id: 1,
    })
    expect(endpoint.asked.at(-1)?.headers['mcp-session-id']).toBe('s-1')
    await ask(`${a.url}/mcp/weather`, { method: 'DELETE', headers })
    await b.router.forget(session as never)
    expect((await ask(there, { headers, body: aRequest(2, 'ping') })).status).toBe(404)
  })
})
