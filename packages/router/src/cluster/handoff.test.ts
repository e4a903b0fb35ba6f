import { once } from 'node:events'
import { createServer } from 'node:http'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { backendOf } from '@mcp-router/testkit/backend'
import { aRequest, ask, follow, initialize, jsonOf } from '@mcp-router/testkit/client'
import type { Question } from '@mcp-router/testkit/client'
import { openGateway, openStore } from '@mcp-router/testkit/router'
import { deadUrl, openUsual } from '@mcp-router/testkit/server'
import { describe, expect, it, onTestFinished } from 'vitest'
import { markAnswered } from './answered.js'
import { readSigned } from './signature.js'
import { signedHeaders } from './signed.fixture.js'

/** Two Instances of one cluster, `a` the owner of whatever is opened there. */
const open = async () => {
  const backends = [backendOf('local', [(await openUsual()).endpoint])]
  const store = openStore()
  const a = await openGateway({ backends, store, instance: 'router-instance-1' })
  const b = await openGateway({ backends, store, instance: 'router-instance-2' })
  return { store, a, b }
}

/** A server that is no Instance of this cluster. */
const openForeign = async (answer: (res: ServerResponse) => void): Promise<string> => {
  const server = createServer((_, res) => answer(res))
  await once(server.listen(0, '127.0.0.1'), 'listening')
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

const openSession = async () => {
  const { store, a, b } = await open()
  const { session, headers } = await initialize(`${a.url}/mcp/local`)
  const there = `${b.url}/mcp/local`
  return { store, a, b, session, headers, there }
}

describe('a request that lands on another instance', () => {
  it('is answered by the owner', async () => {
    const { a, b, headers, there } = await openSession()
    const told = await ask(there, { headers, body: aRequest('1', 'echo', { é: '😀' }) })
    expect(told).toMatchObject({ status: 200, headers: { 'content-type': 'application/json' } })
    expect(jsonOf(told)).toEqual({ jsonrpc: '2.0', id: '1', result: { é: '😀' } })
    expect([a.router.sessions().size, b.events.filter(({ kind }) => kind === 'upstream')]).toEqual([
      1,
      [],
    ])
  })

  it('is told of once, by the owner, under the id that it came with', async () => {
    const { a, b, headers, there } = await openSession()
    const named = { ...headers, 'x-request-id': 'r-1' }
    await ask(there, { headers: named, body: aRequest(1, 'echo') })
    expect(b.calls()).toEqual([])
    expect(a.calls().at(-1)).toMatchObject({ requestId: 'r-1', method: 'echo', principal: 'ada' })
  })

  it('is streamed where the owner streams', async () => {
    const { headers, there } = await openSession()
    const params = { _meta: { progressToken: 1 } }
    const told = await ask(there, { headers, body: aRequest(1, 'work', params) })
    expect(told.headers).toMatchObject({
      'content-type': 'text/event-stream',
      'x-accel-buffering': 'no',
    })
    expect(told.text).toContain('"progress":1')
    expect(told.text).toContain('"done":true')
  })

  it('may be the stream itself', async () => {
    const { a, headers, there } = await openSession()
    const events = await follow(there, { headers })
    const body = { jsonrpc: '2.0', method: 'say', params: { n: 1 } }
    await ask(`${a.url}/mcp/local`, { headers, body })
    expect(await events.message()).toMatchObject({ params: { n: 1 } })
  })

  it('may be DELETE', async () => {
    const { b, headers, session, there } = await openSession()
    expect((await ask(there, { method: 'DELETE', headers })).status).toBe(200)
    expect(b.ended).toEqual([session])
    expect((await ask(there, { headers, body: aRequest(1, 'echo') })).status).toBe(404)
  })

  it('is answered on the stream of the owner where the client is of 2024-11-05', async () => {
    const { a, b } = await open()
    const events = await follow(`${a.url}/sse/local`)
    const address = new URL((await events.next()).data.toString(), a.url)
    const there = `${b.url}${address.pathname}${address.search}`
    expect((await ask(there, { body: aRequest(1, 'echo', { n: 1 }) })).status).toBe(202)
    expect(await events.message()).toMatchObject({ id: 1, result: { n: 1 } })
  })

  it('by another principal finds nothing there either', async () => {
    const { a, headers, there } = await openSession()
    const eve = { ...headers, 'x-principal': 'eve' }
    expect((await ask(there, { headers: eve, body: aRequest(1, 'echo') })).status).toBe(404)
    expect(a.calls()).toHaveLength(1)
  })

  it('whose client leaves is broken off at the owner', async () => {
    const { a, headers, there } = await openSession()
    const leaving = new AbortController()
    const asking = ask(there, { headers, body: aRequest(1, 'hang'), signal: leaving.signal })
    asking.catch(() => undefined)
    await expect.poll(() => a.router.calls()).toBe(1)
    leaving.abort()
    await expect.poll(() => a.calls().at(-1)).toMatchObject({ status: 499 })
  })
})

describe('an owner that is away', () => {
  it('with its lease is succeeded: the handshake is replayed, and the session goes on', async () => {
    const { store, headers, there, session } = await openSession()
    await store.membership.leave('router-instance-1' as never)
    const told = await ask(there, { headers, body: aRequest(1, 'echo', { n: 1 }) })
    expect([told.status, jsonOf(told)]).toMatchObject([200, { id: 1, result: { n: 1 } }])
    expect(await store.sessions.find(session as never)).toMatchObject({
      instance: 'router-instance-2',
      epoch: 2,
    })
  })

  it('though it still listens has taken nothing once it has drained', async () => {
    const { a, headers, there } = await openSession()
    await a.router.drain(0)
    const { status, ...told } = await ask(there, { headers, body: aRequest(2, 'echo', { n: 2 }) })
    expect([status, jsonOf({ status, ...told })]).toMatchObject([200, { id: 2, result: { n: 2 } }])
  })

  it('though its lease lasts is succeeded when its port refuses', async () => {
    const { store, headers, there } = await openSession()
    const id = 'router-instance-1' as never
    const address = (await deadUrl()).replace('/mcp', '')
    await store.membership.join({ id, address, pid: 1, startedAt: 1, sessions: 0 }, { evict: true })
    const all = await Promise.all(
      [1, 2, 3].map((n) => ask(there, { headers, body: aRequest(n, 'echo', { n }) })),
    )
    expect(all.map(jsonOf)).toMatchObject([1, 2, 3].map((n) => ({ id: n, result: { n } })))
  })

  it.each([
    [404, 'application/json', '{"error":"Nothing at /internal/handoff/mcp/local"}'],
    [200, 'text/event-stream', 'data: {"jsonrpc":"2.0","id":1,"result":{"n":"foreign"}}\n\n'],
  ])(
    'though its lease lasts is succeeded when something else answers %i at its address',
    async (status, type, text) => {
      const { store, headers, there } = await openSession()
      const address = await openForeign((res) => {
        res.writeHead(status, { 'content-type': type }).end(text)
      })
      const id = 'router-instance-1' as never
      await store.membership.join(
        { id, address, pid: 1, startedAt: 1, sessions: 0 },
        { evict: true },
      )
      const told = await ask(there, { headers, body: aRequest(1, 'echo', { n: 1 }) })
      expect([told.status, jsonOf(told)]).toMatchObject([200, { id: 1, result: { n: 1 } }])
    },
  )
})

describe('a call whose owner went away behind its response', () => {
  it('has that response, and no other', async () => {
    const { store, headers, there } = await openSession()
    const address = await openForeign((res) => {
      markAnswered(res)
      res.writeHead(200, { 'content-type': 'text/event-stream' })
      const response = JSON.stringify({ jsonrpc: '2.0', id: 1, result: { n: 1 } })
      res.write(`event: message\ndata: ${response}\n\n`, () => res.destroy())
    })
    const id = 'router-instance-1' as never
    await store.membership.join({ id, address, pid: 1, startedAt: 1, sessions: 0 }, { evict: true })
    const told = await ask(there, { headers, body: aRequest(1, 'hang') })
    expect(told.text.match(/"id":1/g)).toHaveLength(1)
    expect(told.text).toContain('"result":{"n":1}')
  })
})

describe('a call whose owner went away while it answered', () => {
  it.each([
    ['numbered, ends without an error: its client comes back for the rest', 'id: 1:1\n', false],
    ['without numbers, ends with what is known', '', true],
  ])('on a stream %s', async (_, id, isTold) => {
    const { store, headers, there } = await openSession()
    const address = await openForeign((res) => {
      markAnswered(res)
      res.writeHead(200, { 'content-type': 'text/event-stream' })
      const said = JSON.stringify({ jsonrpc: '2.0', method: 'notifications/message', params: {} })
      res.write(`${id}event: message\ndata: ${said}\n\n`, () => res.destroy())
    })
    const name = 'router-instance-1' as never
    const joined = { id: name, address, pid: 1, startedAt: 1, sessions: 0 }
    await store.membership.join(joined, { evict: true })
    const told = await ask(there, { headers, body: aRequest(1, 'hang') })
    expect(told.text).toContain('notifications/message')
    expect(told.text.includes('-31001')).toBe(isTold)
  })

  it('is told as lost to the client that comes back for it, and only that', async () => {
    const { store, headers, there } = await openSession()
    await store.membership.leave('router-instance-1' as never)
    const accept = { ...headers, accept: 'text/event-stream' }
    const call = await follow(there, { headers: { ...accept, 'last-event-id': '1.IngtNyI:3' } })
    expect(await call.message()).toMatchObject({ id: 'x-7', error: { code: -31001 } })
    await expect.poll(() => call.response.complete).toBe(true)
    const other = await follow(there, { headers: { ...accept, 'last-event-id': '0:3' } })
    const body = { jsonrpc: '2.0', method: 'say', params: { n: 1 } }
    await ask(there, { headers, body })
    expect(await other.message()).toMatchObject({ params: { n: 1 } })
  })
})

describe('the address for handoffs', () => {
  const target = '/internal/handoff/mcp/local'
  const message = JSON.stringify(aRequest(1, 'echo'))
  const signed = { method: 'POST', target, principal: 'ada', requestId: 'r-1', hops: 1 }
  const body = Buffer.from(message)

  /** Sends the same request with these headers. */
  const send = async (
    extra: Readonly<Record<string, string>>,
    sent: Question = { body: message },
  ) => {
    const { a, headers } = await openSession()
    return ask(a.url + target, { ...sent, headers: { ...headers, ...extra } })
  }

  it('takes what another instance signed', async () => {
    expect(jsonOf(await send(signedHeaders('secret', { ...signed, body })))).toMatchObject({
      id: 1,
    })
  })

  const minute = 60_000
  it.each([
    ['nothing', {}],
    ['the secret itself', { 'x-mcp-router-secret': 'secret', 'x-mcp-router-principal': 'ada' }],
    ['a wrong secret', signedHeaders('wrong', { ...signed, body })],
    ['another method', signedHeaders('secret', { ...signed, method: 'GET', body })],
    ['another address', signedHeaders('secret', { ...signed, target: `${target}x`, body })],
    ['an old request', signedHeaders('secret', { ...signed, body }, Date.now() - 3 * minute)],
    ['one to come', signedHeaders('secret', { ...signed, body }, Date.now() + 3 * minute)],
    [
      'another caller',
      { ...signedHeaders('secret', { ...signed, body }), 'x-mcp-router-principal': 'eve' },
    ],
    ['another request', { ...signedHeaders('secret', { ...signed, body }), 'x-request-id': 'r-2' }],
    [
      'fewer hops',
      { ...signedHeaders('secret', { ...signed, hops: 2, body }), 'x-mcp-router-hops': '1' },
    ],
    [
      'no number of hops',
      { ...signedHeaders('secret', { ...signed, body }), 'x-mcp-router-hops': 'x' },
    ],
  ])('is nothing to who shows %s', async (_, extra) => {
    expect(await send(extra)).toMatchObject({ status: 404, text: 'not of the data plane' })
  })

  it('takes no other body than the one that was signed', async () => {
    const extra = signedHeaders('secret', { ...signed, body })
    const told = await send(extra, { body: message.replace('echo', 'hang') })
    expect([told.status, jsonOf(told)]).toMatchObject([400, { error: { code: -32600 } }])
    const none = await send(signedHeaders('secret', { ...signed, body: undefined }))
    expect(none.status).toBe(400)
  })

  it('passes nothing on without end', async () => {
    const { b, headers } = await openSession()
    const extra = signedHeaders('secret', { ...signed, hops: 4, body })
    const told = await ask(b.url + target, { headers: { ...headers, ...extra }, body: message })
    expect(told.status).toBe(503)
  })

  it.each(['/mcp/local?x=a b', "/mcp/local?x='", '/mcp/local?ü'])(
    'is signed as it is sent: %s',
    (path) => {
      const { pathname, search } = new URL(path, 'http://a')
      const headers = signedHeaders('secret', { ...signed, target: path, body })
      const req = { method: 'POST', url: pathname + search, headers } as unknown as IncomingMessage
      expect(readSigned('secret', req)).toMatchObject({ principal: 'ada', hops: 1 })
    },
  )
})
