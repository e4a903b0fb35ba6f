import { ask, openInstance, openInstances, openSite } from '@mcp-router/testkit/nginx'
import type { Handle } from '@mcp-router/testkit/nginx'
import { freePorts } from '@mcp-router/testkit/process'
import { describe, expect, it, onTestFinished } from 'vitest'

const refusing = async (): Promise<string> => `127.0.0.1:${await freePorts(1)}`

const openHandling = async (handle: Handle) => {
  const instance = await openInstance('handling', handle)
  onTestFinished(() => instance.close())
  return instance
}

it('passes a POST on when the connection to an instance is refused', async () => {
  const [one] = await openInstances(1)
  const { port } = await openSite({ instances: [await refusing(), await refusing(), one!.address] })
  for (const body of ['1', '2', '3', '4']) {
    expect((await ask(port, '/mcp/x', { method: 'POST', body })).status).toBe(200)
  }
  expect(one!.arrived.map(({ body }) => body)).toEqual(['1', '2', '3', '4'])
})

it.each([
  ['/mcp/x', undefined],
  ['/mcp-bridge/mcp/x', '/mcp-bridge'],
])('sends a POST to %s again, named as such, under one request id, before it says that its outcome is unknown', async (path, prefix) => {
  const breaking = await Promise.all(
    [1, 2, 3].map(() => openHandling((request) => request.socket.destroy())),
  )
  const { port } = await openSite({ instances: breaking.map((one) => one.address) })
  const { status, headers, body } = await ask(port, path, { method: 'POST', body: '{}' })
  expect(status).toBe(502)
  expect(headers['content-type']).toBe('application/json')
  expect(headers).not.toHaveProperty('retry-after')
  expect(JSON.parse(body)).toMatchObject({ jsonrpc: '2.0', id: null, error: { code: -31502 } })
  const arrived = breaking.flatMap((one) => one.arrived)
  expect(arrived.map((each) => each.body)).toEqual(Array(4).fill('{}'))
  // The instance that it comes to first cannot know that it will come again; the router refuses the third.
  const named = arrived.map((each) => each.headers['x-mcp-router-again'])
  expect(named.toSorted()).toEqual(['1', '1', '1', undefined])
  expect(new Set(arrived.map((each) => each.url))).toEqual(new Set(['/mcp/x']))
  expect(new Set(arrived.map((each) => each.headers['x-forwarded-prefix']))).toEqual(
    new Set([prefix]),
  )
  expect(new Set(arrived.map((each) => each.headers['x-request-id'])).size).toBe(1)
})

it('sends no POST that may have run to another instance where the instances do not know it', async () => {
  const breaking = await Promise.all(
    [1, 2].map(() => openHandling((request) => request.socket.destroy())),
  )
  const instances = breaking.map((one) => one.address)
  const { port } = await openSite({ instances, proxySecret: '' })
  const { status, body } = await ask(port, '/mcp/x', { method: 'POST', body: '{}' })
  expect([status, JSON.parse(body)]).toMatchObject([502, { error: { code: -31502 } }])
  expect(breaking.flatMap((one) => one.arrived)).toHaveLength(1)
})

it('does not name a POST that no instance took as one that comes again', async () => {
  const one = await openHandling((_, response) => response.end('own'))
  const site = await openSite({ instances: [await refusing(), await refusing(), one.address] })
  for (const body of ['1', '2', '3']) await ask(site.port, '/mcp/x', { method: 'POST', body })
  expect(one.arrived.map(({ headers }) => headers['x-mcp-router-again'])).toEqual([
    undefined,
    undefined,
    undefined,
  ])
})

it('sends a GET again under the same request id', async () => {
  const breaking = await openHandling((request) => request.socket.destroy())
  const [one] = await openInstances(1)
  const { port } = await openSite({ instances: [breaking.address, one!.address] })
  const answers = [await ask(port, '/health'), await ask(port, '/health')]
  expect(answers.map(({ status }) => status)).toEqual([200, 200])
  const id = breaking.arrived[0]!.headers['x-request-id']
  expect(one!.arrived.map(({ headers }) => headers['x-request-id'])).toContain(id)
})

it('answers 503 with Retry-After in JSON-RPC while no instance can be reached', async () => {
  const { port } = await openSite({ instances: [await refusing(), await refusing()] })
  // The first finds out by trying; the second is told at once that none is left.
  for (const path of ['/mcp/x', '/mcp-bridge/mcp/x']) {
    const { status, headers, body } = await ask(port, path, { method: 'POST', body: '{}' })
    expect(status).toBe(503)
    expect(headers['retry-after']).toBe('2')
    expect(headers['content-type']).toBe('application/json')
    expect(JSON.parse(body)).toMatchObject({ jsonrpc: '2.0', id: null, error: { code: -31503 } })
  }
})

describe('a stream that its client opens again while no instance answers', () => {
  const returning = { accept: 'text/event-stream', 'last-event-id': '7' }
  const both = {
    accept: 'application/json, text/event-stream',
    'mcp-protocol-version': '2025-11-25',
  }
  const again = 'retry: 1000\n\n'
  const behind = 'id: 7\nretry: 1000\ndata: \n\n'

  it.each([
    ['/sse/x', returning, again],
    ['/mcp-bridge/sse/x', returning, again],
    ['/mcp/x', both, again],
    ['/mcp/x', { ...both, 'last-event-id': 'a b:7' }, 'id: a b:7\nretry: 1000\ndata: \n\n'],
    ['/mcp-bridge/mcp/x', returning, behind],
    ['/mcp', { ...returning, accept: '*/*' }, behind],
    ['/sse/x?clientId=a', { accept: 'text/event-stream' }, again],
  ])('ends at once and may be opened again: %s %j', async (path, headers, body) => {
    const breaking = await openHandling((request) => request.socket.destroy())
    for (const instances of [[await refusing()], [breaking.address]]) {
      for (const secret of [{}, { proxySecret: '' }]) {
        const { port } = await openSite({ instances, ...secret })
        expect(await ask(port, path, { headers })).toMatchObject({
          status: 200,
          headers: {
            'content-type': 'text/event-stream',
            'cache-control': 'no-cache, no-transform',
          },
          body,
        })
      }
    }
  })

  it.each([
    ['of a new client', '/sse/x', { accept: 'text/event-stream' }],
    ['that is none', '/health?clientId=a', { accept: '*/*' }],
    ['for JSON', '/mcp/x', { ...returning, accept: 'application/json' }],
  ])('is refused where it is one %s', async (_, path, headers) => {
    const { port } = await openSite({ instances: [await refusing()] })
    expect((await ask(port, path, { headers })).status).toBe(503)
  })

  it.each(['HEAD', 'POST', 'DELETE'])('is refused where the method is %s', async (method) => {
    const { port } = await openSite({ instances: [await refusing()] })
    expect((await ask(port, '/mcp/x', { method, headers: returning })).status).toBe(503)
  })

  it('may be read by the pages that may read the router', async () => {
    const origin = 'https://app.example'
    const { port } = await openSite({ instances: [await refusing()], allowedOrigins: [origin] })
    const { headers } = await ask(port, '/sse/x', { headers: { ...returning, origin } })
    expect(headers).toMatchObject({ 'access-control-allow-origin': origin, vary: 'Origin' })
  })
})

it.each([413, 500, 502, 503, 504])('passes a %i of the router as it is', async (status) => {
  const one = await openHandling((_, response) => {
    response.writeHead(status, { 'retry-after': '7', 'content-type': 'text/plain' }).end('own')
  })
  const { port } = await openSite({ instances: [one.address] })
  const told = await ask(port, '/mcp/x', { method: 'POST', body: '{}' })
  expect(told).toMatchObject({ status, body: 'own', headers: { 'retry-after': '7' } })
})

const mebibyte = 1024 * 1024

it('lets the router answer a body just above its own limit', async () => {
  const [one] = await openInstances(1)
  const { port } = await openSite({ instances: [one!.address] })
  const body = Buffer.alloc(4 * mebibyte + 1, 'x')
  expect((await ask(port, '/mcp/x', { method: 'POST', body })).status).toBe(200)
  expect(one!.arrived[0]!.body).toHaveLength(body.length)
})

it.each([{}, { 'transfer-encoding': 'chunked' }])(
  'answers 413 in JSON-RPC to a body far too large, headers %j',
  async (headers: Record<string, string>) => {
    const [one] = await openInstances(1)
    const { port } = await openSite({ instances: [one!.address] })
    const body = Buffer.alloc(5 * mebibyte + 1, 'x')
    const told = await ask(port, '/mcp/x', { method: 'POST', headers, body })
    expect(told.status).toBe(413)
    expect(told.headers['content-type']).toBe('application/json')
    expect(told.body).toBe(
      '{"jsonrpc":"2.0","id":null,"error":{"code":-31413,"message":"Body too large: ' +
        'at most 4194304 bytes are accepted; pass big data by reference"}}',
    )
    expect(one!.arrived).toEqual([])
  },
)
