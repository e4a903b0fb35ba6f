import { backendOf, httpEndpoint, nodeEndpoint } from '@mcp-router/testkit/backend'
import { aRequest, ask, follow, initialize } from '@mcp-router/testkit/client'
import { openGateway } from '@mcp-router/testkit/router'
import { echo, openEndpoint } from '@mcp-router/testkit/server'
import type { Asked } from '@mcp-router/testkit/server'
import { expect, it, vi } from 'vitest'
import { maxOwed } from '../sse/owed.js'

const method = 'notifications/tools/list_changed'
const limit = { timeout: 10_000 }

/** An http server with one tool, whose client's streams begin with half an event. */
const open = async () => {
  let tool = 'one'
  let listed = 0
  const streams: Asked['res'][] = []
  const follows: Awaited<ReturnType<typeof follow>>[] = []
  const answer = (asked: Asked): void => {
    const { res, message } = asked
    if (asked.method === 'GET') {
      res.writeHead(200, { 'content-type': 'text/event-stream' })
      res.write('event: message\ndata: {"jsonrpc":"2.0",')
      streams.push(res)
    } else if (message.method === 'tools/list') {
      const result = { tools: [{ name: tool, annotations: { readOnlyHint: true } }] }
      res.writeHead(200, { 'content-type': 'application/json' })
      res.end(JSON.stringify({ jsonrpc: '2.0', id: message.id, result }))
      listed++
    } else echo(asked)
  }
  const endpoint = await openEndpoint(answer, { capabilities: { tools: { listChanged: true } } })
  const gateway = await openGateway({ backends: [backendOf('web', [httpEndpoint(endpoint.url)])] })
  const url = `${gateway.url}/mcp/web`
  const { headers } = await initialize(url)
  return {
    endpoint: { ...endpoint, write: (text: string) => void streams.at(-1)?.write(text) },
    url,
    headers,
    /** Opens the client's stream, and waits until the server has told what it lists so often, and what its client is told of that. */
    followed: async (times: number, told: readonly object[]) => {
      const events = await follow(url, { headers })
      follows.push(events)
      await vi.waitUntil(() => listed >= times, limit)
      // What was answered before this has been read.
      await ask(url, { headers, body: aRequest(2, 'ping') })
      // An event is passed on once it is whole: what is told meanwhile comes before it.
      for (const each of told) expect(await events.message()).toEqual(each)
      streams.at(-1)?.write('"method":"notifications/said"}\n\n')
      expect(await events.message()).toMatchObject({ method: 'notifications/said' })
    },
    restart: async (next: string): Promise<void> => {
      tool = next
      endpoint.forget()
      for (const stream of streams) stream.destroy()
      await expect.poll(() => follows.every(({ response }) => response.closed)).toBe(true)
    },
  }
}

it('a client is told between two events of its server when that came back with another tool', async () => {
  const { followed, restart } = await open()
  await followed(1, [])
  await restart('two')
  await followed(2, [{ jsonrpc: '2.0', method }])
})

it('a client is told nothing of what its server listed before its session was opened', async () => {
  const { endpoint, url, headers, restart } = await open()
  const list = (by: Record<string, string>) =>
    ask(url, { headers: by, body: aRequest(2, 'tools/list') })
  await list(headers)
  await vi.waitUntil(() => endpoint.by('tools/list').length === 2, limit)
  await restart('two')
  const second = (await initialize(url)).headers
  await list(second)
  await vi.waitUntil(() => endpoint.by('tools/list').length === 4, limit)
  await restart('two')
  const events = await follow(url, { headers: second })
  await vi.waitUntil(() => endpoint.by('tools/list').length === 5, limit)
  await ask(url, { headers: second, body: aRequest(3, 'ping') })
  endpoint.write('"method":"notifications/said"}\n\n')
  expect(await events.message()).toMatchObject({ method: 'notifications/said' })
})

it('what may run twice is looked up anew once a server has begun anew', async () => {
  const { url, headers, endpoint, restart } = await open()
  const call = (id: number) =>
    ask(url, {
      headers: { ...headers, 'x-request-id': `r-${id}` },
      body: aRequest(id, 'tools/call', { name: 'one' }),
    })
  for (const id of [1, 2]) expect((await call(id)).status).toBe(200)
  // For the call, and for the client's next stream.
  await vi.waitUntil(() => endpoint.by('tools/list').length === 2, limit)
  await restart('one')
  expect((await call(3)).status).toBe(200)
  await vi.waitUntil(() => endpoint.by('tools/list').length === 3, limit)
})

/** Hangs at all calls; `initialize` is answered. */
const hanging = `
  require('node:readline').createInterface({ input: process.stdin }).on('line', (line) => {
    const { id, method } = JSON.parse(line)
    const result = { protocolVersion: '2024-11-05', capabilities: {} }
    if (method === 'initialize') console.log(JSON.stringify({ jsonrpc: '2.0', id, result }))
  })`

it('a client of 2024-11-05 that has too many calls unanswered is refused the next, and keeps its session', async () => {
  // None of them may pass its deadline meanwhile.
  const backends = [backendOf('local', [nodeEndpoint(hanging)], 300_000)]
  const gateway = await openGateway({ backends })
  const events = await follow(`${gateway.url}/sse/local`)
  const address = new URL((await events.next()).data.toString(), gateway.url).href
  const send = (id: number, name: string) => ask(address, { body: aRequest(id, name) })
  await send(0, 'initialize')
  expect(await events.message()).toMatchObject({ id: 0 })
  for (let from = 1; from <= maxOwed; from += 50) {
    const some = await Promise.all(Array.from({ length: 50 }, (_, n) => send(from + n, 'hang')))
    expect(new Set(some.map(({ status }) => status))).toEqual(new Set([202]))
  }
  const refused = await send(maxOwed + 1, 'hang')
  expect([refused.status, refused.text]).toEqual([503, expect.stringContaining('limit is 1000')])
  const told = { jsonrpc: '2.0', method: 'notifications/said' }
  expect((await ask(address, { body: told })).status).toBe(202)
})
