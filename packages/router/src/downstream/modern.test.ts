import type { ServerResponse } from 'node:http'
import { backendOf, httpEndpoint } from '@mcp-router/testkit/backend'
import { ask, jsonOf } from '@mcp-router/testkit/client'
import { openGateway } from '@mcp-router/testkit/router'
import { deadUrl, echo, openEndpoint, openModernEndpoint } from '@mcp-router/testkit/server'
import type { Asked } from '@mcp-router/testkit/server'
import { describe, expect, it } from 'vitest'

const meta =
  '"_meta": {"io.modelcontextprotocol/protocolVersion":"2026-07-28" ,"io.modelcontextprotocol/clientCapabilities":{}}'
const call = ` {"jsonrpc":"2.0","id":"a","method":"tools/call","params":{"name":"add","arguments":{"n":1.50}, ${meta}}}`
const headers = {
  'mcp-protocol-version': '2026-07-28',
  'mcp-method': 'tools/call',
  'mcp-name': 'add',
}

const json = ({ res }: Asked): void => {
  res.setHeader('content-type', 'application/json')
  res.end('{"jsonrpc":"2.0", "id":"a","result":{"resultType":"complete","x":1e2}}')
}

const open = async (answer = json) => {
  const endpoint = await openModernEndpoint(answer)
  const gateway = await openGateway({
    backends: [backendOf('weather', [httpEndpoint(endpoint.url)])],
  })
  return { endpoint, gateway, url: `${gateway.url}/mcp/weather` }
}

describe('a modern call to a modern endpoint', () => {
  it('passes as it came, both ways, with its headers made anew', async () => {
    const { endpoint, url } = await open()
    const more = { 'mcp-param-City': 'Bern', authorization: 'Bearer secret', cookie: 'a=b' }
    const told = await ask(url, { body: call, headers: { ...headers, ...more, traceparent: 't' } })
    expect([told.status, told.text]).toEqual([
      200,
      '{"jsonrpc":"2.0", "id":"a","result":{"resultType":"complete","x":1e2}}',
    ])
    const [sent] = endpoint.asked
    expect(sent?.text).toBe(call)
    expect(sent?.headers).toMatchObject({ ...headers, 'mcp-param-city': 'Bern', traceparent: 't' })
    expect(Object.keys(sent?.headers ?? {})).not.toEqual(expect.arrayContaining(['authorization']))
    expect(sent?.headers.cookie).toBeUndefined()
  })

  it.each([
    ['takes', 202, '', [202, '']],
    ['refuses', 400, '{"jsonrpc":"2.0","id":null,"error":{"code":-32600,"message":"no"}}', [400]],
  ])('answers a message without id that its server %s', async (_, status, text, expected) => {
    const { url } = await open(({ res }) => {
      res.writeHead(status, { 'content-type': 'application/json' }).end(text)
    })
    const told = await ask(url, { body: call.replace('"id":"a",', ''), headers })
    expect([told.status, told.text].slice(0, expected.length)).toEqual(expected)
  })

  it('takes a message without id for nobody at a server with sessions', async () => {
    const endpoint = await openEndpoint(echo)
    const backends = [backendOf('weather', [httpEndpoint(endpoint.url)])]
    const { url } = await openGateway({ backends })
    const body = call.replace('"id":"a",', '')
    const told = await ask(`${url}/mcp/weather`, { body, headers })
    expect([told.status, told.text, endpoint.by('tools/call')]).toEqual([202, '', []])
  })

  it('streams events, and mints no session', async () => {
    const events = 'event: message\ndata: {"jsonrpc":"2.0","id":"a","result":{}}\n\n'
    const { url } = await open(({ res }) => {
      res.setHeader('content-type', 'text/event-stream')
      res.end(events)
    })
    const told = await ask(url, { body: call, headers })
    expect([told.status, told.text]).toEqual([200, events])
    expect(told.headers['mcp-session-id']).toBeUndefined()
    expect(told.headers['x-accel-buffering']).toBe('no')
  })

  it('ends upstream when the client leaves', async () => {
    let cut: () => void
    const left = new Promise<void>((resolve) => (cut = resolve))
    const gone = new AbortController()
    const { url } = await open(({ res }) => {
      res.on('close', () => cut())
      gone.abort()
    })
    await expect(
      fetch(url, {
        method: 'POST',
        body: call,
        headers: { ...headers, 'content-type': 'application/json' },
        signal: gone.signal,
      }),
    ).rejects.toThrow()
    await left
  })

  it('goes on to the next endpoint when the first refuses the connection', async () => {
    const endpoint = await openModernEndpoint(json)
    const endpoints = [httpEndpoint(await deadUrl(), 9), httpEndpoint(endpoint.url)]
    const gateway = await openGateway({ backends: [backendOf('weather', endpoints)] })
    const told = await ask(`${gateway.url}/mcp/weather`, { body: call, headers })
    expect([told.status, endpoint.asked.length]).toEqual([200, 1])
  })

  it('goes on where the first ends the connection instead of saying what it speaks', async () => {
    const endpoint = await openModernEndpoint(json)
    const end = ({ res }: { readonly res: ServerResponse }) => res.destroy()
    const breaking = await openEndpoint(end, { greet: end, knowsAll: true })
    const endpoints = [httpEndpoint(breaking.url, 9), httpEndpoint(endpoint.url)]
    const gateway = await openGateway({ backends: [backendOf('weather', endpoints)] })
    const told = await ask(`${gateway.url}/mcp/weather`, { body: call, headers })
    expect([told.status, endpoint.asked.length]).toEqual([200, 1])
  })

  const future = { ...headers, 'mcp-protocol-version': '2027-01-01' }
  it.each([
    ['without its headers', call, {}, 400, -32020],
    ['that its header contradicts', call, { ...headers, 'mcp-name': 'sub' }, 400, -32020],
    ['of another revision', call.replace('2026-07-28', '2027-01-01'), future, 400, -32022],
    [
      'of a method that is gone',
      call.replace('tools/call', 'ping'),
      { ...headers, 'mcp-method': 'ping' },
      404,
      -32601,
    ],
  ])('%s is refused and reaches nobody', async (_, body, sent, status, code) => {
    const { endpoint, url } = await open()
    const told = await ask(url, { body, headers: sent })
    expect([told.status, jsonOf(told)]).toMatchObject([status, { id: 'a', error: { code } }])
    expect(endpoint.asked).toEqual([])
  })
})

describe('a modern call to a server with sessions', () => {
  it('is answered as the modern era has it', async () => {
    const endpoint = await openEndpoint()
    const gateway = await openGateway({
      backends: [backendOf('weather', [httpEndpoint(endpoint.url)])],
    })
    const told = await ask(`${gateway.url}/mcp/weather`, { body: call, headers })
    expect([told.status, jsonOf(told)]).toMatchObject([
      200,
      { id: 'a', result: { resultType: 'complete' } },
    ])
  })

  it('is 503 when it cannot be reached, and nothing is concluded from that', async () => {
    const backends = [backendOf('weather', [httpEndpoint(await deadUrl())])]
    const gateway = await openGateway({ backends })
    const told = await ask(`${gateway.url}/mcp/weather`, { body: call, headers })
    expect([told.status, told.headers['retry-after']]).toEqual([503, '2'])
  })
})
