import { createHash } from 'node:crypto'
import { backendOf, httpEndpoint } from '@mcp-router/testkit/backend'
import { ask, follow, modernClient } from '@mcp-router/testkit/client'
import type { Events } from '@mcp-router/testkit/client'
import { openGateway, openStore } from '@mcp-router/testkit/router'
import { openModernCommand, openModernEndpoint } from '@mcp-router/testkit/server'
import type { Asked } from '@mcp-router/testkit/server'
import { describe, expect, it } from 'vitest'
import { createModernEventIds } from './modern-event-id.js'

const stream = { 'content-type': 'text/event-stream' }
const event = (message: object, id = '') =>
  `${id}event: message\ndata: ${JSON.stringify({ jsonrpc: '2.0', ...message })}\n\n`
const progress = (params: object = { progressToken: 't', progress: 1 }) =>
  event({ method: 'notifications/progress', params }, 'id: its-own\n')
const meta = { progressToken: 't' }

const says = ({ res }: Asked): void => void res.writeHead(200, stream).write(progress())
const answers = ({ res, message }: Asked): void => {
  const result = { resultType: 'complete', done: true }
  res.writeHead(200, stream).end(progress() + event({ id: message.id, result }))
}

/** openTwo are two Instances in front of one Endpoint; the first call is left open. */
const openTwo = async (retry: 'always' | 'safe' = 'always') => {
  let calls = 0
  const endpoint = await openModernEndpoint((asked) => {
    const { res, message } = asked
    const tools = [{ name: 't', inputSchema: { type: 'object' } }]
    const result = { resultType: 'complete', tools, ttlMs: 0, cacheScope: 'private' }
    if (message.method === 'initialize') res.writeHead(400).end()
    else if (message.method === 'tools/list')
      res.writeHead(200, stream).end(event({ id: message.id, result }))
    else if (++calls === 1) says(asked)
    else answers(asked)
  })
  const store = openStore()
  const backends = [{ ...backendOf('web', [httpEndpoint(endpoint.url)]), retry }]
  const options = { backends, store }
  const [one, two] = await Promise.all([
    openGateway(options),
    openGateway({ ...options, instance: 'router-instance-2' }),
  ])
  return { endpoint, one: `${one.url}/mcp/web`, two: `${two.url}/mcp/web`, base: two.url }
}

/** openOne is one Instance in front of an Endpoint that begins each stream so, and says no more. */
const openOne = async (say: (asked: Asked) => void) => {
  const endpoint = await openModernEndpoint((asked) =>
    asked.message.method === 'initialize' ? void asked.res.writeHead(400).end() : say(asked),
  )
  const backend = { ...backendOf('web', [httpEndpoint(endpoint.url)]), retry: 'always' as const }
  const gateway = await openGateway({ backends: [backend] })
  return { gateway, backend, url: `${gateway.url}/mcp/web` }
}

const begin = async (url: string, params: object = {}): Promise<{ id: string; events: Events }> => {
  const headers = { accept: 'application/json, text/event-stream', 'x-request-id': 'r-1' }
  const call = { name: 't', ...params }
  const events = await modernClient(url).stream('tools/call', call, { meta, headers })
  const { id = '', data } = await events.next()
  expect(JSON.parse(String(data))).toMatchObject({ method: 'notifications/progress' })
  return { id, events }
}

const comeBack = (url: string, id: string, more: Record<string, string> = {}): Promise<Events> =>
  follow(url, { headers: { 'last-event-id': id, 'mcp-protocol-version': '2026-07-28', ...more } })

describe('a stream that answers a request without session', () => {
  it('has an id of the router in its first event, and no other', async () => {
    const { endpoint, one } = await openTwo()
    const { id, events } = await begin(one)
    expect(id).toMatch(/^mcpr2\.[\w-]+$/)
    endpoint.asked[0]?.res.end(progress() + event({ id: 'm-1', result: {} }, 'id: 7\n'))
    expect([(await events.next()).id, (await events.next()).id]).toEqual([undefined, undefined])
  })

  it('has one before its first event, where the server sends that late', async () => {
    const { url } = await openOne(({ res }) => res.writeHead(200, stream).flushHeaders())
    const headers = { accept: 'application/json, text/event-stream', 'x-request-id': 'r-1' }
    const events = await modernClient(url).stream('tools/call', { name: 't' }, { meta, headers })
    const { id, data } = await events.next()
    expect([data.length, id]).toEqual([0, expect.stringMatching(/^mcpr2\./)])
  })

  it('ends with an error where the server is away when its client is back', async () => {
    const { gateway, backend, url } = await openOne(says)
    const { id } = await begin(url)
    gateway.publish({ ...backend, endpoints: [httpEndpoint('http://127.0.0.1:9/mcp')] })
    const events = await comeBack(url, id)
    expect(await events.message()).toMatchObject({ id: 'm-1', error: { code: -31503 } })
  })

  it('goes on at any instance, which sends the request once more where it may', async () => {
    const { endpoint, one, two } = await openTwo()
    const { id } = await begin(one)
    const events = await comeBack(two, id)
    expect(events.response.headers['content-type']).toBe('text/event-stream')
    const primer = await events.next()
    expect([primer.data.length, primer.id]).toEqual([0, expect.stringMatching(/^mcpr2\./)])
    expect(await events.message()).toMatchObject({ method: 'notifications/progress' })
    expect(await events.message()).toMatchObject({ id: 'm-1', result: { done: true } })
    const [first, again] = endpoint.asked
    expect(again?.text).toBe(first?.text)
    expect(again?.headers['mcp-name']).toBe('t')
  })

  it('keeps the headers that mirror arguments', async () => {
    const { endpoint, one, two } = await openTwo()
    const headers = { 'Mcp-Param-City': 'Bern', 'x-request-id': 'r-1' }
    const events = await modernClient(one).stream('tools/call', { name: 't' }, { meta, headers })
    await (await comeBack(two, String((await events.next()).id))).next()
    await expect.poll(() => endpoint.asked[1]?.headers['mcp-param-city']).toBe('Bern')
  })

  it('sends no request a third time', async () => {
    const { endpoint, one, two } = await openTwo()
    const { id } = await begin(one)
    const next = await (await comeBack(two, id)).next()
    const events = await comeBack(two, String(next.id))
    expect(await events.message()).toMatchObject({ id: 'm-1', error: { code: -31001 } })
    expect(endpoint.asked).toHaveLength(2)
  })

  it('tells that the outcome is unknown where the request must not run twice', async () => {
    const { endpoint, one, two } = await openTwo('safe')
    const { id } = await begin(one)
    const events = await comeBack(two, id)
    expect(await events.message()).toMatchObject({
      id: 'm-1',
      error: { code: -31001, data: { tool: 't', requestId: 'r-1', repeated: false } },
    })
    expect(endpoint.asked.filter(({ message }) => message.method === 'tools/call')).toHaveLength(1)
  })

  it('tells so of a request that is too long to be in an id', async () => {
    const { endpoint, one, two } = await openTwo()
    const { id } = await begin(one, { arguments: { text: 'x'.repeat(100_000) } })
    expect(id.length).toBeLessThan(1_000)
    const events = await comeBack(two, id)
    expect(await events.message()).toMatchObject({ error: { code: -31001, data: { tool: 't' } } })
    expect(endpoint.asked).toHaveLength(1)
  })

  it.each([
    ['another client', 'web', { 'x-principal': 'eve' }, (id: string) => id],
    ['another server', 'other', {}, (id: string) => id],
    ['a client that altered it', 'web', {}, (id: string) => id.replace(/.$/, '')],
    ['a client that saw none', 'web', {}, () => '17'],
  ])('is refused to %s', async (_, backend, headers, as) => {
    const { one, base } = await openTwo()
    const { id } = await begin(one)
    const version = { 'mcp-protocol-version': '2026-07-28', accept: 'text/event-stream' }
    const told = await ask(`${base}/mcp/${backend}`, {
      headers: { ...version, 'last-event-id': as(id), ...headers },
    })
    expect([told.status, told.headers['allow']]).toEqual([405, 'POST'])
  })
})

it('is answered with what the call log knows, where the answer was lost on its way', async () => {
  const store = openStore()
  const gateway = await openGateway({ store })
  const secret = await store.clusterSecret()
  const backend = 'web'
  gateway.publish(backendOf(backend, [httpEndpoint('http://127.0.0.1:9/mcp')]))
  const digest = createHash('sha256').digest('base64url')
  const response = JSON.stringify({ jsonrpc: '2.0', id: 1, result: { kept: true } })
  const call = { instance: 'gone' as never, at: 1, digest, response }
  await store.callLog.finish('r-9', call)
  const bytes = Buffer.from('{"jsonrpc":"2.0","id":1,"method":"tools/call"}')
  const message = { bytes, kind: 'request', id: '1', method: 'tools/call' } as const
  const about = { message, isWhole: false, params: [], at: 1, repeats: 0, requestId: 'r-9' }
  const ids = createModernEventIds(secret)
  const write = (known: string) =>
    String(ids.write({ ...about, digest: known }, { principal: 'ada', backend }))
  const url = `${gateway.url}/mcp/${backend}`
  expect(await (await comeBack(url, write(digest))).message()).toEqual(JSON.parse(response))
  // Another request had the same X-Request-Id.
  expect(await (await comeBack(url, write('other'))).message()).toMatchObject({
    error: { code: -31001 },
  })
})

it('has an id where a command answers, too', async () => {
  const gateway = await openGateway({
    backends: [backendOf('local', [(await openModernCommand()).endpoint])],
  })
  const url = `${gateway.url}/mcp/local`
  const { events } = await begin(url, { name: 'progress' })
  expect(await events.next()).toMatchObject({ id: undefined })
})
