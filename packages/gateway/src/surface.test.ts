import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { StoreHealth } from '@mcp-router/store'
import { createSurface } from './surface.js'

let health: StoreHealth = { up: true }
// What is asked here needs no more of them.
const parts = {
  phase: () => 'ready',
  storeHealth: () => health,
} as unknown as Parameters<typeof createSurface>[0]
const server = createServer(createSurface(parts))
let base = ''
beforeEach(async () => {
  await once(server.listen(0, '127.0.0.1'), 'listening')
  base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
})
afterEach(() => void server.close())

const asked = async (path: string, method = 'GET') => {
  const response = await fetch(base + path, { method })
  const { error } = (await response.json()) as { error: string }
  return { status: response.status, allow: response.headers.get('allow'), error }
}

it.each<[StoreHealth, object]>([
  [{ up: true }, { status: 'ready' }],
  [
    { up: true, refusesWrites: 'its memory is full' },
    { status: 'degraded', reason: 'store: Redis refuses writes: its memory is full' },
  ],
  [
    { up: false, since: 1, reason: 'connection closed' },
    { status: 'degraded', reason: 'store: connection closed' },
  ],
])('where the store is %j, /ready is 200 and says %j', async (storeHealth, told) => {
  health = storeHealth
  const response = await fetch(`${base}/ready`)
  expect([response.status, await response.json()]).toEqual([200, told])
})

describe('an address that is not there', () => {
  it.each([
    ['/sse', 'name a server: /sse/<server> or /sse?serviceName=<server>'],
    ['/sse?clientId=1', 'name a server: /sse/<server> or /sse?serviceName=<server>'],
    ['/mcp', 'name a server: /mcp/<server>'],
    ['/mcp/', 'name a server: /mcp/<server>'],
    ['/mcp/router/route/', 'name a server: /mcp/router/route/<server>'],
    ['/elsewhere', 'MCP is at /mcp/<server>, /sse/<server> and /mcp/router/route/<server>'],
  ])('%s says what to ask instead', async (path, hint) => {
    const { status, error } = await asked(path)
    expect([status, error]).toEqual([404, expect.stringContaining(hint)])
  })

  it.each(['/health', '/ready', '/metrics', '/api/status', '/api/sessions/x/explain'])(
    'by POST, %s is there by GET',
    async (path) => {
      expect(await asked(path, 'POST')).toEqual({
        status: 405,
        allow: 'GET, HEAD',
        error: `Method not allowed: ${path} takes GET`,
      })
    },
  )
})

describe('a POST below /mcp or /sse to an address that is not there', () => {
  const body = '{"jsonrpc":"2.0","id":1,"method":"ping"}'
  it.each([
    ['/mcp', 'name a server: /mcp/<server>'],
    ['/mcp/weather/foo', 'MCP is at /mcp/<server>'],
    ['/mcp/router/route/a/timeout', 'MCP is at /mcp/<server>'],
    ['/sse', 'name a server: /sse/<server>'],
    ['/sse/a/b', 'MCP is at /mcp/<server>'],
  ])('is answered as JSON-RPC (%s)', async (path, hint) => {
    const headers = { 'content-type': 'application/json' }
    const response = await fetch(base + path, { method: 'POST', headers, body })
    expect([response.status, await response.json()]).toEqual([
      404,
      {
        jsonrpc: '2.0',
        id: null,
        error: { code: -31404, message: expect.stringContaining(`Not found: ${path}; ${hint}`) },
      },
    ])
  })

  it.each(['/elsewhere', '/mcpx/a'])('is not one to %s', async (path) => {
    expect(await asked(path, 'POST')).toMatchObject({
      status: 404,
      error: expect.stringContaining('Not found'),
    })
  })
})
