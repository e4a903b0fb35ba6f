import { once } from 'node:events'
import { createServer } from 'node:http'
import type { ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import type { Endpoint } from '@mcp-router/core'
import { backendOf, nodeEndpoint, sseEndpoint } from '@mcp-router/testkit/backend'
import { aRequest, ask, jsonOf } from '@mcp-router/testkit/client'
import { begin, openGateway } from '@mcp-router/testkit/router'
import type { TestGateway } from '@mcp-router/testkit/router'
import { describe, expect, it, onTestFinished } from 'vitest'

/** At `last` it reads no more, says so on its stderr, and exits a moment later, once it has written the answer. */
const leaving = `
  const send = (message) => process.stdout.write(JSON.stringify({ jsonrpc: '2.0', ...message }) + '\\n')
  require('node:readline').createInterface({ input: process.stdin }).on('line', (line) => {
    const { id, method, params } = JSON.parse(line)
    if (id === undefined) return
    if (method === 'initialize') {
      const { protocolVersion } = params
      return send({ id, result: { protocolVersion, capabilities: {}, serverInfo: { name: 's', version: '1' }, pid: process.pid } })
    }
    if (method !== 'last') return send({ id, result: { pid: process.pid } })
    process.stdin.destroy()
    require('node:fs').closeSync(0)
    process.stderr.write('reads no more\\n')
    setTimeout(() => {
      send({ id, result: { last: true } })
      process.exit(1)
    }, 300)
  })`

/** openLeaving is a server of 2024-11-05 that does the same: from `last` on it takes no connections; `isLeaving` tells. */
const openLeaving = async () => {
  let stream: ServerResponse | undefined
  const server = createServer((req, res) => {
    if (req.method === 'GET') {
      stream = res.writeHead(200, { 'content-type': 'text/event-stream' })
      stream.write('event: endpoint\ndata: /message\n\n')
      return
    }
    void text(req).then((body) => {
      const { id, method } = JSON.parse(body) as { id?: unknown; method: string }
      res.writeHead(202, { connection: 'close' }).end()
      const opening = { protocolVersion: '2024-11-05', capabilities: {}, serverInfo: {} }
      const result = method === 'initialize' ? opening : { last: true }
      const answer = `data: ${JSON.stringify({ jsonrpc: '2.0', id, result })}\n\n`
      if (method === 'initialize') stream?.write(answer)
      if (method !== 'last') return
      server.close()
      setTimeout(() => stream?.end(answer), 300)
    })
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  onTestFinished(() => server.closeAllConnections())
  const { port } = server.address() as AddressInfo
  const endpoint = sseEndpoint(`http://127.0.0.1:${port}/sse`)
  return { endpoint, isLeaving: () => !server.listening }
}

const open = async (endpoint: Endpoint = nodeEndpoint(leaving)) => {
  const gateway = await openGateway({ backends: [backendOf('local', [endpoint])] })
  const url = `${gateway.url}/mcp/local`
  const opened = await ask(url, {
    body: aRequest(0, 'initialize', { protocolVersion: '2025-03-26' }),
  })
  const headers = { 'mcp-session-id': String(opened.headers['mcp-session-id']) }
  const send = (body: unknown) => ask(url, { headers, body })
  await send({ jsonrpc: '2.0', method: 'notifications/initialized' })
  return { gateway, send }
}

const readsNoMore = (gateway: TestGateway): Promise<void> =>
  expect
    .poll(() => gateway.events.filter(({ kind }) => kind === 'stderr').length, { interval: 5 })
    .toBe(1)

const [last, next] = [aRequest(1, 'last'), aRequest(2, 'next')]
const answer = { id: 1, result: { last: true } }
const served = { id: 2, result: { pid: expect.any(Number) as number } }

it('what a server of 2024-11-05 answers while it takes no connections arrives', async () => {
  const { endpoint, isLeaving } = await openLeaving()
  const { send } = await open(endpoint)
  const asking = send(last)
  await expect.poll(isLeaving, { interval: 5 }).toBe(true)
  expect(jsonOf(await send(next))).toMatchObject({ id: 2, error: { code: -31503 } })
  expect(jsonOf(await asking)).toMatchObject(answer)
})

describe('what a command answers before it exits', () => {
  it('arrives, though it takes no other message any more', async () => {
    const { gateway, send } = await open()
    const asking = send(last)
    await readsNoMore(gateway)
    const following = await Promise.all([send(next), send({ ...next, id: 3 })])
    expect(jsonOf(await asking)).toMatchObject(answer)
    expect(following.map(jsonOf)).toMatchObject([served, { ...served, id: 3 }])
  })

  it('arrives in a batch', async () => {
    const { gateway, send } = await open()
    const asking = send([last])
    await readsNoMore(gateway)
    expect(jsonOf(await send([next]))).toMatchObject([served])
    expect(jsonOf(await asking)).toMatchObject([answer])
  })

  it('arrives on the stream of a client of 2024-11-05', async () => {
    const { gateway } = await open()
    const { events, send } = await begin(gateway)
    await send(last)
    await readsNoMore(gateway)
    await send(next)
    expect(await events.message()).toMatchObject(answer)
    expect(await events.message()).toMatchObject(served)
  })
})
