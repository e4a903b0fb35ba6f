import type { ServerResponse } from 'node:http'
import type { SessionId } from '@mcp-router/core'
import { describe, expect, it } from 'vitest'
import { backendOf, httpEndpoint } from '../testing/backend.js'
import { aRequest, ask, follow, initialize } from '../testing/client.js'
import type { Events } from '../testing/client.js'
import { echo, openEndpoint } from '../testing/endpoint.js'
import { openGateway, openStore } from '../testing/gateway.js'

const eventStream = { 'content-type': 'text/event-stream' }
const limitMs = 5_000

const question = (id: string) => ({ jsonrpc: '2.0', id, method: 'roots/list' })

/** A server that allows one stream of a session, and answers `ask` once its question has been, in JSON. With ids, it resumes. */
const openAsker = async ({ isNumbered = false } = {}) => {
  let own: ServerResponse | undefined
  const said: object[] = []
  const calls = new Map<unknown, ServerResponse>()
  let received = 0
  const write = (to: ServerResponse | undefined, n: number): void => {
    const id = isNumbered ? `id: e-${n}\n` : ''
    to?.write(`${id}data: ${JSON.stringify(said[n])}\n\n`)
  }
  const say = (message: object): void => write(own, said.push(message) - 1)
  const endpoint = await openEndpoint(({ method, headers, message, res }) => {
    if (method === 'GET') {
      if (own) {
        res.writeHead(409).end()
        return
      }
      own = res
      res.on('close', () => (own = undefined))
      res.writeHead(200, eventStream).flushHeaders()
      const last = headers['last-event-id']
      const from = typeof last === 'string' ? Number(last.slice(2)) + 1 : said.length
      for (let n = from; n < said.length; n++) write(res, n)
    } else if (message.method === 'ask') {
      calls.set(message.id, res)
      say(question(`q-${String(message.id)}`))
    } else if (message.id === 0) {
      res.writeHead(200, { 'content-type': 'application/json' })
      res.end('{"jsonrpc":"2.0","id":0,"result":{"tools":[]}}')
    } else {
      received++
      res.writeHead(202).end()
    }
  })
  const answer = (id: unknown): void => {
    const res = calls.get(id)
    res?.writeHead(200, { 'content-type': 'application/json' })
    res?.end(JSON.stringify({ jsonrpc: '2.0', id, result: { n: id } }))
  }
  return { endpoint, say, answer, isHeld: () => own !== undefined, received: () => received }
}

const openPair = async (options?: Parameters<typeof openAsker>[0]) => {
  const server = await openAsker(options)
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
  const openThird = async (): Promise<string> => {
    const c = await openGateway({ backends, store, instance: 'router-instance-3' })
    return `${c.url}/mcp/web`
  }
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
    expect(await told.message()).toEqual(question('q-1'))
    answer(1)
    expect(await told.message()).toMatchObject({ id: 1, result: { n: 1 } })
    expect(isHeld()).toBe(true)
  })

  it('is heard by the client’s next stream, which carries on with the same one of the server', async () => {
    const { a, b, endpoint, headers, say } = await openPair()
    await a.router.drain(0)
    const told = await follow(b, call(1, headers))
    await told.message()
    const asked = endpoint.by('GET').length
    const next = await follow(b, { headers })
    say(question('later'))
    expect(await next.message()).toEqual(question('later'))
    expect(endpoint.by('GET')).toHaveLength(asked)
  })

  it('is heard by the client’s next stream where no call can take it', async () => {
    const { a, b, headers, answer } = await openPair()
    await a.router.drain(0)
    const asking = ask(b, call(1, headers, 'application/json'))
    await expect.poll(() => a.router.calls()).toBe(0)
    const next = await follow(b, { headers })
    expect(await next.message()).toEqual(question('q-1'))
    answer(1)
    expect(JSON.parse((await asking).text)).toMatchObject({ id: 1, result: { n: 1 } })
  })

  it('is heard on the stream of a batch', async () => {
    const { a, b, headers, answer, allowBatches } = await openPair()
    await allowBatches()
    await a.router.drain(0)
    const batch = { headers, body: [aRequest(1, 'ask'), aRequest(2, 'ask')] }
    const told = await follow(b, { ...batch, headers: call(1, headers).headers })
    const asked = [await told.message(), await told.message()].map(({ id }) => id)
    expect(asked.toSorted()).toEqual(['q-1', 'q-2'])
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
    expect(await told.message()).toEqual(question('q-1'))
    const next = await follow(b, { headers: { ...headers, 'last-event-id': String(id) } })
    say(question('after'))
    expect(await next.message()).toEqual(question('after'))
  })
})

describe('a client’s second stream, which waited while an instance had the first one', () => {
  it('hears what the server asks in the call that follows the end of that instance', async () => {
    const { a, b, headers, answer } = await openPair()
    const second = await follow(b, { headers })
    await a.router.drain(0)
    const asking = ask(b, call(1, headers))
    expect(await second.message()).toEqual(question('q-1'))
    answer(1)
    expect(JSON.parse((await asking).text)).toMatchObject({ id: 1, result: { n: 1 } })
  })

  it('hears it also where another instance listens first', async () => {
    const { a, b, openThird, headers, answer } = await openPair()
    const second = await follow(b, { headers })
    const c = await openThird()
    await ask(c, { headers, body: aRequest(0, 'tools/list') })
    await a.router.drain(0)
    const asking = ask(c, call(1, headers, 'application/json'))
    expect(await second.message()).toEqual(question('q-1'))
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
    expect(await next.message()).toEqual(question('meanwhile'))
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
    expect(await next.message()).toEqual(question('then'))
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
