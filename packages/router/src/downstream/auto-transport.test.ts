import type { Endpoint } from '@mcp-router/core'
import { backendOf, httpEndpoint } from '@mcp-router/testkit/backend'
import { aRequest, ask, initialize, jsonOf, modernClient } from '@mcp-router/testkit/client'
import { begin, openGateway, openStore } from '@mcp-router/testkit/router'
import type { TestGateway } from '@mcp-router/testkit/router'
import { openEndpoint, openSseServer, respond } from '@mcp-router/testkit/server'
import type { Asked } from '@mcp-router/testkit/server'
import { describe, expect, it } from 'vitest'

/** An address without a word on its transport. */
const bare = (url: string): Endpoint => ({
  ...httpEndpoint(url),
  id: 'old#1' as Endpoint['id'],
  isAuto: true,
})

const open = async (endpoint: Endpoint, store = openStore(), instance = 'router-instance-1') =>
  openGateway({ backends: [backendOf('old', [endpoint])], store, instance })

const address = (gateway: TestGateway): string => `${gateway.url}/mcp/old`

const call = (gateway: TestGateway, headers: Record<string, string>, n = 1) =>
  ask(address(gateway), { headers, body: aRequest(n, 'tools/call', { n }) }).then(jsonOf)

/** Each way opens what it needs at the server, and calls it with `n`; the answer has it. */
const ways: readonly (readonly [string, (gateway: TestGateway) => Promise<unknown>])[] = [
  [
    'a client with a session',
    async (gateway) => call(gateway, (await initialize(address(gateway))).headers),
  ],
  [
    'a client of 2024-11-05',
    async (gateway) => {
      const { send, events } = await begin(gateway, { backend: 'old' })
      await send(aRequest(1, 'tools/call', { n: 1 }))
      return events.message()
    },
  ],
  [
    'a call without a session',
    (gateway) =>
      ask(`${gateway.url}/mcp/router/route/old`, {
        body: aRequest(1, 'tools/call', { n: 1 }),
      }).then(jsonOf),
  ],
  [
    'a client of 2026-07-28',
    (gateway) => modernClient(address(gateway)).tool('t', {}, { more: { n: 1 } }),
  ],
]

/** A Streamable HTTP server. */
const streamable = (asked: Asked): void => {
  const { method, message, res } = asked
  if (method !== 'POST') res.writeHead(405).end()
  else if (message.id === undefined) res.writeHead(202).end()
  else {
    const opening = { protocolVersion: '2025-06-18', capabilities: {} }
    const result = message.method === 'initialize' ? opening : (message.params ?? {})
    respond(asked, result, { 'mcp-session-id': 's' })
  }
}

describe('a URL without a transport whose server is of 2024-11-05', () => {
  it.each(ways)('serves %s', async (_, use) => {
    const server = await openSseServer()
    const gateway = await open(bare(server.url))
    expect(await use(gateway)).toMatchObject({ result: { n: 1 } })
  })

  it('is asked once for all of them: what is known of it is used from then on', async () => {
    const server = await openSseServer()
    const gateway = await open(bare(server.url))
    await Promise.all([initialize(address(gateway)), initialize(address(gateway))])
    const tries = server.asked().filter((each) => each === 'POST /sse').length
    for (const [, use] of ways) expect(await use(gateway)).toMatchObject({ result: { n: 1 } })
    expect(server.asked().filter((each) => each === 'POST /sse')).toHaveLength(tries)
  })

  it('goes on with its sessions at an instance that has not seen it yet', async () => {
    const server = await openSseServer()
    const store = openStore()
    const a = await open(bare(server.url), store)
    const { headers } = await initialize(address(a))
    await store.membership.leave('router-instance-1' as never)
    const b = await open(bare(server.url), store, 'router-instance-2')
    expect(await call(b, headers)).toMatchObject({ result: { n: 1 } })
  })

  it('is used as Streamable HTTP once it is replaced by such a server', async () => {
    const server = await openSseServer()
    const gateway = await open(bare(server.url))
    expect((await initialize(address(gateway))).told.status).toBe(200)
    server.become(streamable)
    for (const [, use] of ways) expect(await use(gateway)).toMatchObject({ result: { n: 1 } })
  })
})

describe('a URL without a transport', () => {
  it('is not asked by GET where its server answers initialize', async () => {
    const server = await openEndpoint()
    const gateway = await open(bare(server.url))
    const { headers } = await initialize(address(gateway))
    expect(await call(gateway, headers)).toMatchObject({ result: { n: 1 } })
    expect(server.by('GET')).toHaveLength(0)
  })

  it('ends its sessions where a server of 2024-11-05 takes its place', async () => {
    const server = await openSseServer()
    const gateway = await open(bare(server.url))
    server.become(streamable)
    const { headers } = await initialize(address(gateway))
    expect(await call(gateway, headers)).toMatchObject({ result: { n: 1 } })
    server.become()
    const again = await ask(address(gateway), { headers, body: aRequest(1, 'tools/call') })
    expect(again.status).toBe(404)
    const { headers: second } = await initialize(address(gateway))
    expect(await call(gateway, second)).toMatchObject({ result: { n: 1 } })
  })

  it('answers as its server did where that is neither', async () => {
    const server = await openEndpoint(undefined, {
      greet: ({ res }) => void res.writeHead(405).end(),
    })
    const gateway = await open(bare(server.url))
    const { told } = await initialize(address(gateway))
    expect(jsonOf(told)).toMatchObject({
      error: { message: expect.stringContaining('HTTP 405; no MCP server is at this path') },
    })
    expect(server.by('GET')).toHaveLength(1)
    await initialize(address(gateway))
    expect(server.by('GET')).toHaveLength(1)
  })

  it('is refused where its stream names another origin', async () => {
    const server = await openSseServer()
    server.become(({ method, res }) => {
      if (method !== 'GET') return void res.writeHead(405).end()
      res.writeHead(200, { 'content-type': 'text/event-stream' })
      res.write('event: endpoint\ndata: http://example.com/message\n\n')
    })
    const gateway = await open(bare(server.url))
    const { told } = await initialize(address(gateway))
    const message = expect.stringContaining('names another origin')
    expect(jsonOf(told)).toMatchObject({ error: { message } })
  })
})

describe('a URL with a transport', () => {
  it('is not asked for another one', async () => {
    const server = await openSseServer()
    const gateway = await open({ ...httpEndpoint(server.url) })
    const { told } = await initialize(address(gateway))
    expect(jsonOf(told)).toMatchObject({
      error: { message: expect.stringContaining('HTTP 404; no MCP server is at this path') },
    })
    expect(server.asked()).not.toContain('GET /sse')
  })
})
