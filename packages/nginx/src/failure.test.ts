import { expect, it, onTestFinished } from 'vitest'
import { ask } from './testing/ask.js'
import { openInstance, type Handle } from './testing/instance.js'
import { openInstances } from './testing/instances.js'
import { freePort } from './testing/port.js'
import { openSite } from './testing/site.js'

const refusing = async (): Promise<string> => `127.0.0.1:${await freePort()}`

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
])('sends a POST to %s to every instance twice, under one request id, before it says that its outcome is unknown', async (path, prefix) => {
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
  expect(arrived.map((each) => each.body)).toEqual(Array(6).fill('{}'))
  expect(new Set(arrived.map((each) => each.url))).toEqual(new Set(['/mcp/x']))
  expect(new Set(arrived.map((each) => each.headers['x-forwarded-prefix']))).toEqual(
    new Set([prefix]),
  )
  expect(new Set(arrived.map((each) => each.headers['x-request-id'])).size).toBe(1)
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
