import type { ServerResponse } from 'node:http'
import { backendOf, httpEndpoint } from '@mcp-router/testkit/backend'
import { aRequest, begin, follow, initialize } from '@mcp-router/testkit/client'
import type { Events } from '@mcp-router/testkit/client'
import { openGateway, openStore } from '@mcp-router/testkit/router'
import { openEndpoint } from '@mcp-router/testkit/server'
import { expect, it, vi } from 'vitest'

const data = (message: object): string =>
  `event: message\ndata: ${JSON.stringify({ jsonrpc: '2.0', ...message })}\n\n`
const news = { method: 'notifications/message', params: { level: 'info', data: 'é' } }
const done = { id: 1, result: { done: true } }

/** A session of this revision at a server whose stream is what the test writes. */
const open = async (revision: string, store = openStore()) => {
  let stream: ServerResponse | undefined
  const endpoint = await openEndpoint(({ res }) => {
    res.writeHead(200, { 'content-type': 'text/event-stream' })
    res.flushHeaders()
    stream = res
  })
  const backends = [backendOf('web', [httpEndpoint(endpoint.url)])]
  const gateway = await openGateway({ backends, store })
  const { url, router } = gateway
  const { headers, session } = await initialize(`${url}/mcp/web`)
  await store.sessions.update(session as never, 0, { revision })
  await router.forget(session as never)
  const call = {
    headers: { ...headers, accept: 'application/json, text/event-stream' },
    body: aRequest(1, 'do'),
  }
  const logged = () => store.callLog.entries(session as never)
  /** Writes on the stream once it is there, or ends it. */
  const say = async (...texts: string[]): Promise<void> => {
    await expect.poll(() => stream).toBeDefined()
    for (const text of texts) stream?.write(text)
    if (texts.length === 0) stream?.end()
  }
  return { address: `${url}/mcp/web`, call, say, logged, calls: () => gateway.calls() }
}

const next = async (events: Events) => {
  const { id, data: text } = await events.next()
  return [id, text.length > 0 ? (JSON.parse(String(text)) as unknown) : '']
}

it('a stream whose first events come at once gets ids for all of them', async () => {
  const { address, call, say } = await open('2025-11-25')
  const following = follow(address, call)
  const stray = { method: 'notifications/progress', params: { progressToken: 1, progress: 1 } }
  await say(data(news), data(stray), data(news), data(done))
  const events = await following
  const name = String((await next(events))[0]).slice(0, -2)
  expect(await next(events)).toMatchObject([`${name}:1`, news])
  expect(await next(events)).toMatchObject([`${name}:2`, news])
  expect(await next(events)).toMatchObject([`${name}:3`, done])
  await expect.poll(() => events.response.complete).toBe(true)
})

it('a stream gets ids where its server gives none, and the call log has its call, then its answer', async () => {
  const { address, call, say, logged } = await open('2025-11-25')
  const events = await follow(address, call)
  const [first] = await next(events)
  expect(first).toMatch(/^[\w-]+\.[0-9a-f]{8}\.[\w-]{12}~1\.MQ:0$/)
  const name = String(first).slice(0, -2)
  expect(await logged()).toEqual([{ entry: name, callId: '', body: JSON.stringify(call.body) }])
  await say(data(news), data(done))
  expect(await next(events)).toMatchObject([`${name}:1`, news])
  expect(await next(events)).toMatchObject([`${name}:2`, done])
  await expect.poll(() => events.response.complete).toBe(true)
  await expect
    .poll(logged)
    .toMatchObject([{ body: expect.stringContaining('"done":true') as string }])
})

it('the answer is kept in the call log for a client that is away', async () => {
  const { address, call, say, logged, calls } = await open('2025-11-25')
  const events = await follow(address, call)
  await next(events)
  events.response.destroy()
  await expect.poll(() => calls().at(-1)?.outcome).toBe('CLIENT_LEFT')
  await say(data(news), data(done))
  await expect
    .poll(logged)
    .toMatchObject([{ body: expect.stringContaining('"done":true') as string }])
})

it('the result of another request is told as what the server sent in its place', async () => {
  const { address, call, say } = await open('2025-11-25')
  const events = await follow(address, call)
  await next(events)
  await say(data(news), data({ id: 2, result: { secret: 1 } }), data(done))
  await next(events)
  expect((await next(events))[1]).toMatchObject({
    id: 1,
    error: { code: -31502, message: expect.stringContaining('another id') },
  })
  await expect.poll(() => events.response.complete).toBe(true)
})

it('a stream that ends without the answer is told as unknown on it', async () => {
  const { address, call, say } = await open('2025-11-25')
  const events = await follow(address, call)
  await next(events)
  await say()
  const [, told] = await next(events)
  expect(told).toMatchObject({
    id: 1,
    error: { code: -31001, data: { method: 'do', repeated: false } },
  })
})

it.each([
  ['for a client of 2025-06-18', '2025-06-18', [data(news), data(done)]],
  ['where its server gives ids', '2025-11-25', [`id: 7\n${data(news)}`, `id: 8\n${data(done)}`]],
] as const)('a stream is passed as it comes %s', async (_, revision, [first, last]) => {
  const { address, call, say, logged } = await open(revision)
  const opening = begin(address, call)
  await say(first)
  // It has begun: an answer that is whole by then would be passed on as it is in any case.
  const response = await opening
  await say(last)
  await say()
  let text = ''
  for await (const chunk of response) text += String(chunk)
  expect(text).toBe(first + last)
  expect(await logged()).toEqual([])
})

it('a stream that its server ends before the response is its client’s to resume, however soon', async () => {
  const { address, call, say } = await open('2025-11-25')
  const opening = begin(address, call)
  const priming = 'id: 7\nretry: 10\ndata: \n\n'
  await say(priming)
  await say()
  let text = ''
  for await (const chunk of await opening) text += String(chunk)
  expect(text).toBe(priming)
})

it('a stream begins once its call is noted: until then it may be sent to another instance', async () => {
  const store = openStore()
  const keep = store.callLog.keep.bind(store.callLog)
  let write = (): void => undefined
  const written = new Promise<void>((resolve) => (write = resolve))
  const owing = vi.spyOn(store.callLog, 'keep').mockImplementation(async (...call) => {
    await written
    return keep(...call)
  })
  const { address, call, say } = await open('2025-11-25', store)
  let hasBegun = false
  const following = follow(address, call)
  void following.then(() => (hasBegun = true))
  await say(data(news))
  await expect.poll(() => owing.mock.calls.length).toBe(1)
  expect(hasBegun).toBe(false)
  write()
  const events = await following
  await next(events)
  expect((await next(events))[1]).toMatchObject(news)
})
