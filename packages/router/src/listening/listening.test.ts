import type { SessionId } from '@mcp-router/core'
import { backendOf, httpEndpoint } from '@mcp-router/testkit/backend'
import { aRequest, ask, askedId, follow, initialize } from '@mcp-router/testkit/client'
import type { Events } from '@mcp-router/testkit/client'
import { openGateway, openStore } from '@mcp-router/testkit/router'
import { asked, echo, openAsideAsker, openEndpoint, question } from '@mcp-router/testkit/server'
import { describe, expect, it } from 'vitest'

const limitMs = 5_000

const openPair = async (options?: Parameters<typeof openAsideAsker>[0]) => {
  const server = await openAsideAsker(options)
  const backends = [backendOf('web', [httpEndpoint(server.endpoint.url)])]
  const store = openStore()
  const a = await openGateway({ backends, store })
  const b = await openGateway({ backends, store, instance: 'router-instance-2' })
  const { headers, session } = await initialize(`${b.url}/mcp/web`)
  const own = await follow(`${a.url}/mcp/web`, { headers })
  /** Has the session at a revision of the protocol that has batches. */
  const allowBatches = async (): Promise<void> => {
    const id = session as SessionId // of the store
    await store.sessions.update(id, 0, { revision: '2025-03-26' })
    await b.router.forget(id)
  }
  const openThird = () => openGateway({ backends, store, instance: 'router-instance-3' })
  return { ...server, allowBatches, a, b: `${b.url}/mcp/web`, openThird, headers, own }
}

const isClosed = ({ response }: Events): boolean => response.complete || response.destroyed
const call = (id: number, headers: Record<string, string>, accept?: string) => ({
  headers: { ...headers, accept: accept ?? 'application/json, text/event-stream' },
  body: aRequest(id, 'ask'),
})

describe('a server that asks while its client’s stream is away with an instance', () => {
  it('is heard on the stream of the call, which its answer ends', async () => {
    const { a, b, headers, own, answer, isHeld } = await openPair()
    await a.router.drain(0)
    await expect.poll(() => isClosed(own)).toBe(true)
    const told = await follow(b, call(1, headers))
    expect(await told.message()).toEqual(asked('q-1'))
    answer(1)
    expect(await told.message()).toMatchObject({ id: 1, result: { n: 1 } })
    expect(isHeld()).toBe(true)
  })

  it('is heard by the client’s next stream, which carries on with the same one of the server', async () => {
    const { a, b, endpoint, headers, say } = await openPair()
    await a.router.drain(0)
    const told = await follow(b, call(1, headers))
    await told.message()
    const opened = endpoint.by('GET').length
    const next = await follow(b, { headers })
    say(question('later'))
    expect(await next.message()).toEqual(asked('later'))
    expect(endpoint.by('GET')).toHaveLength(opened)
  })

  it('is heard by the client’s next stream where no call can take it', async () => {
    const { a, b, headers, answer } = await openPair()
    await a.router.drain(0)
    const asking = ask(b, call(1, headers, 'application/json'))
    await expect.poll(() => a.router.calls()).toBe(0)
    const next = await follow(b, { headers })
    expect(await next.message()).toEqual(asked('q-1'))
    answer(1)
    expect(JSON.parse((await asking).text)).toMatchObject({ id: 1, result: { n: 1 } })
  })

  it('is heard on the stream of a batch', async () => {
    const { a, b, headers, answer, allowBatches } = await openPair()
    await allowBatches()
    await a.router.drain(0)
    const batch = { headers, body: [aRequest(1, 'ask'), aRequest(2, 'ask')] }
    const told = await follow(b, { ...batch, headers: call(1, headers).headers })
    const ids = [await told.message(), await told.message()].map(({ id }) => id)
    expect(ids.toSorted()).toEqual([askedId('q-1'), askedId('q-2')])
    answer(1)
    answer(2)
    expect((await told.message()).id).toBe(1)
    expect((await told.message()).id).toBe(2)
  })

  it('is not heard twice where its events can be resumed', async () => {
    const { a, b, headers, own, say } = await openPair({ isNumbered: true })
    say(question('before'))
    const { id } = await own.next()
    await a.router.drain(0)
    const told = await follow(b, call(1, headers))
    expect(await told.message()).toEqual(asked('q-1'))
    const next = await follow(b, { headers: { ...headers, 'last-event-id': String(id) } })
    say(question('after'))
    expect(await next.message()).toEqual(asked('after'))
  })
})

it('a client that has its stream keeps it, at a server that takes the newest for it', async () => {
  const { openThird, b, headers, own, answer, endpoint } = await openPair({ takesNewest: true })
  const c = await openThird()
  await ask(`${c.url}/mcp/web`, { headers, body: aRequest(0, 'tools/list') })
  await c.router.drain(0)
  const asking = ask(b, call(1, headers))
  expect(await own.message()).toEqual(asked('q-1'))
  answer(1)
  expect(JSON.parse((await asking).text)).toMatchObject({ id: 1, result: { n: 1 } })
  expect(endpoint.by('GET')).toHaveLength(1)
})

it('two instances with a call each open one stream between them', async () => {
  const { a, b, openThird, headers, own, answer, endpoint } = await openPair({ takesNewest: true })
  const c = `${(await openThird()).url}/mcp/web`
  await ask(c, { headers, body: aRequest(0, 'tools/list') })
  await a.router.drain(0)
  await expect.poll(() => isClosed(own)).toBe(true)
  const asking = [ask(b, call(1, headers)), ask(c, call(2, headers))]
  await expect.poll(() => endpoint.by('ask').length).toBe(2)
  const next = await follow(b, { headers })
  answer(1)
  answer(2)
  const results = (await Promise.all(asking)).map(({ text }) => text)
  expect(results).toEqual([expect.stringContaining('"n":1'), expect.stringContaining('"n":2')])
  expect(endpoint.by('GET')).toHaveLength(2)
  expect(isClosed(next)).toBe(false)
})

describe('a client’s second stream, which waited while an instance had the first one', () => {
  it('hears what the server asks in the call that follows the end of that instance', async () => {
    const { a, b, headers, answer } = await openPair()
    const second = await follow(b, { headers })
    await a.router.drain(0)
    const asking = ask(b, call(1, headers))
    expect(await second.message()).toEqual(asked('q-1'))
    answer(1)
    expect(JSON.parse((await asking).text)).toMatchObject({ id: 1, result: { n: 1 } })
  })

  it('hears it also where another instance listens first', async () => {
    const { a, b, openThird, headers, answer } = await openPair()
    const second = await follow(b, { headers })
    const c = `${(await openThird()).url}/mcp/web`
    await ask(c, { headers, body: aRequest(0, 'tools/list') })
    await a.router.drain(0)
    const asking = ask(c, call(1, headers, 'application/json'))
    expect(await second.message()).toEqual(asked('q-1'))
    answer(1)
    expect(JSON.parse((await asking).text)).toMatchObject({ id: 1, result: { n: 1 } })
  })
})

describe('an instance that drains', () => {
  it('keeps the server’s stream until the client has its next one, and hands on what came', async () => {
    const { a, b, headers, own, say, isHeld, endpoint } = await openPair()
    const draining = a.router.drain(limitMs)
    await expect.poll(() => isClosed(own)).toBe(true)
    expect(isHeld()).toBe(true)
    say(question('meanwhile'))
    const next = await follow(b, { headers })
    expect(await next.message()).toEqual(asked('meanwhile'))
    await draining
    await expect
      .poll(() =>
        endpoint
          .by('GET')
          .slice(1)
          .some(({ res }) => res.headersSent && res.statusCode === 200),
      )
      .toBe(true)
    say(question('then'))
    expect(await next.message()).toEqual(asked('then'))
  })

  it('does not wait for clients that stay away', async () => {
    const { a, isHeld } = await openPair()
    const began = performance.now()
    await a.router.drain(60_000)
    expect(performance.now() - began).toBeLessThan(5_000)
    await expect.poll(isHeld).toBe(false)
  })
})

it('calls wait once for a stream that is not to be had', async () => {
  const endpoint = await openEndpoint((asked) => {
    // It does not notice that the stream it had is gone.
    if (asked.method === 'GET') asked.res.writeHead(409).end()
    else echo(asked)
  })
  const backends = [backendOf('web', [httpEndpoint(endpoint.url)])]
  const store = openStore()
  const a = await openGateway({ backends, store })
  const b = await openGateway({ backends, store, instance: 'router-instance-2' })
  const { headers } = await initialize(`${b.url}/mcp/web`)
  await a.router.drain(0)
  /** How often the server was asked for its stream before it was sent the call. */
  const triesBefore = async (method: string): Promise<number> => {
    const before = endpoint.asked.length
    await ask(`${b.url}/mcp/web`, { headers, body: aRequest(1, method) })
    const since = endpoint.asked.slice(before)
    return since.findIndex(({ message }) => message.method === method)
  }
  // One more is under way beside the call, which may be faster.
  await expect.poll(() => triesBefore('first'), { timeout: limitMs }).toBeGreaterThan(5)
  expect(await triesBefore('second')).toBeLessThan(3)
})
