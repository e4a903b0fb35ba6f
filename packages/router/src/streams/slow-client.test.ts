import { backendOf, httpEndpoint, nodeEndpoint } from '@mcp-router/testkit/backend'
import { aRequest, ask, begin, initialize, jsonOf } from '@mcp-router/testkit/client'
import { openGateway } from '@mcp-router/testkit/router'
import type { TestGateway } from '@mcp-router/testkit/router'
import { echo, openEndpoint } from '@mcp-router/testkit/server'
import { expect, it } from 'vitest'

const said = JSON.stringify({
  jsonrpc: '2.0',
  method: 'notifications/said',
  params: { text: 'x'.repeat(100_000) },
})

/** Answers everything, and says things without end once it is told to. */
const talker = `
  const said = ${JSON.stringify(said)} + '\\n'
  const flood = () => {
    while (process.stdout.write(said));
    process.stdout.once('drain', flood)
  }
  require('node:readline').createInterface({ input: process.stdin }).on('line', (line) => {
    const { id, method } = JSON.parse(line)
    const result = { protocolVersion: '2025-06-18', capabilities: {} }
    if (id !== undefined) console.log(JSON.stringify({ jsonrpc: '2.0', id, result }))
    if (method === 'flood') flood()
  })`

const streams = (gateway: TestGateway, action: string) =>
  gateway.events.filter((event) => event.kind === 'stream' && event.action === action).length

/** Opens the stream of a session and reads nothing of it. */
const openUnread = async (url: string, headers: Record<string, string>) => {
  const stream = await begin(url, { headers: { ...headers, accept: 'text/event-stream' } })
  stream.on('error', () => undefined)
  stream.pause()
  return stream
}

it('a client that does not read what a command says is cut off, and others are served', async () => {
  const gateway = await openGateway({ backends: [backendOf('local', [nodeEndpoint(talker)])] })
  const url = `${gateway.url}/mcp/local`
  const slow = await initialize(url)
  await openUnread(url, slow.headers)
  const before = process.memoryUsage().rss
  const other = await initialize(url)
  await ask(url, { headers: slow.headers, body: aRequest(1, 'flood') })
  await expect.poll(() => streams(gateway, 'closed'), { timeout: 10_000 }).toBe(1)
  expect((await ask(url, { headers: other.headers, body: aRequest(2, 'ping') })).status).toBe(200)
  expect(process.memoryUsage().rss - before).toBeLessThan(300 * 1024 * 1024)
})

it.each([
  ['says things', `data: ${said}\n\n`],
  ['says when to come again', 'retry: 1\n\n'.repeat(10_000)],
])(
  'a server that %s is read no faster than its client reads, which is cut off',
  async (_, events) => {
    let written = 0
    const endpoint = await openEndpoint((asked) => {
      if (asked.method !== 'GET') {
        echo(asked)
        return
      }
      asked.res.writeHead(200, { 'content-type': 'text/event-stream' })
      const flood = (): void => {
        do written += events.length
        while (!asked.res.destroyed && asked.res.write(events))
        if (!asked.res.destroyed) asked.res.once('drain', flood)
      }
      flood()
    })
    const backend = backendOf('weather', [httpEndpoint(endpoint.url)])
    const gateway = await openGateway({ backends: [backend], options: { keepAliveMs: 200 } })
    const url = `${gateway.url}/mcp/weather`
    const slow = await initialize(url)
    await openUnread(url, slow.headers)
    const { headers } = await initialize(url)
    const told = await ask(url, { headers, body: aRequest(2, 'm', { a: 1 }) })
    expect(jsonOf(told)).toEqual({ jsonrpc: '2.0', id: 2, result: { a: 1 } })
    await expect.poll(() => streams(gateway, 'closed'), { timeout: 10_000 }).toBe(1)
    expect(written).toBeLessThan(32 * 1024 * 1024)
  },
)
