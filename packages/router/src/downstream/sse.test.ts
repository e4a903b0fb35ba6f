import { describe, expect, it, vi } from 'vitest'
import { backendOf, httpEndpoint, nodeEndpoint } from '../testing/backend.js'
import { aRequest, ask, follow, jsonOf } from '../testing/client.js'
import { deadUrl, openEndpoint } from '../testing/endpoint.js'
import { openGateway, openStore } from '../testing/gateway.js'
import { requestsOwed } from '../testing/sse-client.js'
import { stdioServer } from '../testing/stdio-server.js'

const initialized = { jsonrpc: '2.0', method: 'notifications/initialized' }

const open = async () => {
  const endpoint = await openEndpoint()
  const backends = [
    backendOf('local', [nodeEndpoint(stdioServer)]),
    backendOf('weather', [httpEndpoint(endpoint.url)]),
    backendOf('dead', [{ ...nodeEndpoint(''), command: 'no-such-command-here' }]),
    backendOf('gone', [httpEndpoint(await deadUrl())]),
  ]
  return { endpoint, gateway: await openGateway({ backends }) }
}

/** Opens the stream of a client of 2024-11-05 and reads where to post. */
const connect = async (url: string, headers: Record<string, string> = {}) => {
  const events = await follow(url, { headers })
  const first = await events.next()
  const address = first.data.toString()
  const send = (body: unknown) => ask(address, { headers, body })
  const id = new URL(address).searchParams.get('sessionId') ?? ''
  return { events, first, address, id, send }
}

describe('a client of 2024-11-05', () => {
  it('is told first where to post', async () => {
    const { gateway } = await open()
    const { events, first, address, id } = await connect(`${gateway.url}/sse/local`)
    expect(events.response.headers['content-type']).toBe('text/event-stream')
    expect(first.event).toBe('endpoint')
    expect(address).toBe(`${gateway.url}/mcp/local/message?sessionId=${id}`)
    const record = await gateway.store.sessions.find(id as never)
    expect(record).toMatchObject({ downstream: 'sse', epoch: 1, backend: 'local' })
  })

  it('is told the address that a proxy has outside', async () => {
    const { gateway } = await open()
    const headers = {
      'x-forwarded-proto': 'https',
      'x-forwarded-host': 'a.example',
      'x-forwarded-prefix': '/b',
    }
    const { address } = await connect(`${gateway.url}/sse?serviceName=local`, headers)
    expect(address).toMatch(/^https:\/\/a\.example\/b\/mcp\/local\/message\?sessionId=/)
  })

  it.each(['local', 'weather'])(
    'talks to %s: posts are accepted, answers come on the stream',
    async (name) => {
      const { gateway } = await open()
      const { events, id, send } = await connect(`${gateway.url}/sse/${name}`)
      const accepted = await send(aRequest(0, 'initialize', { protocolVersion: '2024-11-05' }))
      expect(accepted.status).toBe(202)
      expect(await events.message()).toMatchObject({
        id: 0,
        result: { protocolVersion: '2025-06-18' },
      })
      await send({ jsonrpc: '2.0', method: 'notifications/initialized' })
      await send(aRequest('1', 'echo', { a: 1 }))
      expect(await events.message()).toMatchObject({ id: '1', result: { a: 1 } })
      await expect
        .poll(() => gateway.store.sessions.find(id as never))
        .toMatchObject({ revision: '2025-06-18', initialize: '{"protocolVersion":"2024-11-05"}' })
    },
  )

  it('may post to the short address as well', async () => {
    const { gateway } = await open()
    const { events, id } = await connect(`${gateway.url}/sse/local`)
    await ask(`${gateway.url}/mcp/message?sessionId=${id}`, { body: aRequest(1, 'echo') })
    expect(await events.message()).toMatchObject({ id: 1 })
  })

  it('has its session ended with its stream while nothing was begun', async () => {
    const { gateway } = await open()
    const { events, id, send } = await connect(`${gateway.url}/sse/local`)
    events.response.destroy()
    await expect.poll(() => gateway.ended).toEqual([id])
    expect((await send(aRequest(1, 'echo'))).status).toBe(404)
    const actions = () =>
      gateway.events.flatMap((each) => (each.kind === 'upstream' ? [each.action] : []))
    await expect.poll(actions).toEqual(['opened', 'closed'])
  })

  it('is told of every accepted call when the child ends, and goes on with another one', async () => {
    const { gateway } = await open()
    const { events, send } = await connect(`${gateway.url}/sse/local`)
    await send(aRequest(1, 'hang'))
    await send({ jsonrpc: '2.0', method: 'exit' })
    expect(await events.message()).toMatchObject({ id: 1, error: { code: -31001 } })
    await send(aRequest(2, 'echo', { a: 1 }))
    expect(await events.message()).toMatchObject({ id: 2, result: { a: 1 } })
  })

  it('is told on the stream when its message did not arrive', async () => {
    const { gateway } = await open()
    const { events, send } = await connect(`${gateway.url}/sse/gone`)
    expect((await send(aRequest(1, 'echo'))).status).toBe(202)
    expect(await events.message()).toMatchObject({ id: 1, error: { code: -31503 } })
  })
})

describe('a post is refused', () => {
  it.each([
    ['without a session', 'local', '', {}, 400],
    ['to an unknown session', 'local', '?sessionId=nobody', {}, 404],
    ['by another principal', 'local', undefined, { 'x-principal': 'eve' }, 404],
    ['at another backend', 'weather', undefined, {}, 404],
  ])('%s', async (_, backend, query, headers, status) => {
    const { gateway } = await open()
    const { id } = await connect(`${gateway.url}/sse/local`)
    const url = `${gateway.url}/mcp/${backend}/message${query ?? `?sessionId=${id}`}`
    const told = await ask(url, { headers, body: aRequest(7, 'echo') })
    expect([told.status, jsonOf(told)['id']]).toEqual([status, 7])
  })

  it('that uses the session of a stream as one of streamable http', async () => {
    const { gateway } = await open()
    const { id } = await connect(`${gateway.url}/sse/local`)
    const headers = { 'mcp-session-id': id }
    const told = await ask(`${gateway.url}/mcp/local`, { headers, body: aRequest(1, 'echo') })
    expect(told.status).toBe(404)
  })
})

describe('a stream is refused', () => {
  it('of a server that cannot be reached', async () => {
    const { gateway } = await open()
    expect(await ask(`${gateway.url}/sse/dead`)).toMatchObject({ status: 503 })
    expect(gateway.router.sessions().size).toBe(0)
  })

  it('of a server that is not known', async () => {
    const { gateway } = await open()
    expect(await ask(`${gateway.url}/sse/nobody`)).toMatchObject({ status: 404 })
  })

  it('by POST', async () => {
    const { gateway } = await open()
    expect(await ask(`${gateway.url}/sse/local`, { body: {} })).toMatchObject({
      status: 405,
      headers: { allow: 'GET' },
    })
  })
})

describe('a client that names itself', () => {
  const echo = `
    const read = require('node:readline').createInterface({ input: process.stdin })
    read.on('line', (line) => {
      const { id, method, params } = JSON.parse(line)
      if (id === undefined || method === 'hang') return
      const result = method === 'initialize' ? { protocolVersion: '2024-11-05', capabilities: {} } : params ?? {}
      console.log(JSON.stringify({ jsonrpc: '2.0', id, result }))
    })`
  const handshake = {
    protocolVersion: '2024-11-05',
    capabilities: {},
    clientInfo: { name: 'c', version: '1' },
  }

  const open = async () => {
    const backends = [backendOf('local', [nodeEndpoint(echo)])]
    const store = openStore()
    const a = await openGateway({ backends, store })
    const b = await openGateway({ backends, store, instance: 'router-instance-2' })
    const streamAt = async (url: string) => {
      const events = await follow(`${url}/sse/local?clientId=ada-1`)
      const address = new URL((await events.next()).data.toString())
      const send = (base: string, body: unknown) =>
        ask(`${base}${address.pathname}${address.search}`, { body })
      return { events, send, session: address.searchParams.get('sessionId') }
    }
    return { store, a, b, streamAt }
  }

  it('finds its session again, with what was said meanwhile', async () => {
    const { a, b, streamAt } = await open()
    const first = await streamAt(a.url)
    await first.send(a.url, aRequest(0, 'initialize', handshake))
    expect(await first.events.message()).toMatchObject({ id: 0 })
    first.events.response.destroy()
    await first.send(b.url, aRequest(1, 'echo', { n: 1 }))
    const second = await streamAt(b.url)
    expect(second.session).toBe(first.session)
    expect(await second.events.message()).toMatchObject({ id: 1, result: { n: 1 } })
  })

  it('is told of what its instance took along: reads are asked again, the rest is unknown', async () => {
    const { store, a, b, streamAt } = await open()
    const first = await streamAt(a.url)
    await first.send(a.url, aRequest(0, 'initialize', handshake))
    await first.events.message()
    await first.send(a.url, initialized)
    await first.send(a.url, aRequest(1, 'hang'))
    const id = first.session as never
    await store.journal.owe(id, {
      requestId: '2',
      body: JSON.stringify(aRequest(2, 'tools/list', { n: 2 })),
    })
    await store.membership.leave('router-instance-1' as never)
    const second = await streamAt(b.url)
    const told = [await second.events.message(), await second.events.message()]
    expect(told).toMatchObject([
      { id: 1, error: { code: -31001 } },
      { id: 2, result: { n: 2 } },
    ])
    await expect.poll(() => requestsOwed(store, id)).toEqual([])
  })

  it('is told of a batch that its instance took along, too', async () => {
    const { store, a, b, streamAt } = await open()
    const first = await streamAt(a.url)
    await first.send(a.url, aRequest(0, 'initialize', handshake))
    await first.events.message()
    await first.send(a.url, initialized)
    const batch = [aRequest(1, 'hang'), aRequest(2, 'hang')]
    expect((await first.send(a.url, batch)).status).toBe(202)
    await store.membership.leave('router-instance-1' as never)
    const second = await streamAt(b.url)
    const told = [await second.events.message(), await second.events.message()]
    expect(told).toMatchObject([1, 2].map((id) => ({ id, error: { code: -31001 } })))
  })

  it('is told the answers of the last moments once more, as nobody knows whether it heard them', async () => {
    const { a, b, streamAt } = await open()
    const first = await streamAt(a.url)
    await first.send(a.url, aRequest(0, 'initialize', handshake))
    await first.events.message()
    await first.send(a.url, initialized)
    for (const id of [1, 2]) await first.send(a.url, aRequest(id, 'echo', { n: id }))
    const heard = [await first.events.message(), await first.events.message()]
    first.events.response.destroy()
    const second = await streamAt(b.url)
    expect([await second.events.message(), await second.events.message()]).toEqual(heard)
  })

  it('… and not what an earlier process of its name was told, where it begins anew meanwhile', async () => {
    const { store, a, streamAt } = await open()
    const first = await streamAt(a.url)
    await first.send(a.url, aRequest(0, 'initialize', handshake))
    await first.events.message()
    await first.send(a.url, aRequest(1, 'echo', { n: 1 }))
    await first.events.message()
    const all = store.journal.owed.bind(store.journal)
    let read = (): void => undefined
    const reading = new Promise<void>((resolve) => (read = resolve))
    vi.spyOn(store.journal, 'owed').mockImplementation(async (id) => {
      const owed = await all(id)
      await reading
      return owed
    })
    first.events.response.destroy()
    const second = await streamAt(a.url)
    await second.send(a.url, aRequest(0, 'initialize', handshake))
    read()
    await second.send(a.url, aRequest(1, 'echo', { n: 2 }))
    expect(await second.events.message()).toMatchObject({ id: 0 })
    expect(await second.events.message()).toMatchObject({ id: 1, result: { n: 2 } })
    await expect.poll(() => requestsOwed(store, second.session as never)).toEqual([])
  })

  it('begins anew with another initialize, in a new process', async () => {
    const { a, streamAt } = await open()
    const { events, send } = await streamAt(a.url)
    for (const id of [1, 2]) {
      await send(a.url, aRequest(id, 'initialize', handshake))
      expect(await events.message()).toMatchObject({
        id,
        result: { protocolVersion: '2024-11-05' },
      })
    }
    const started = a.events.filter(
      (event) => event.kind === 'upstream' && event.action === 'opened',
    )
    expect(started).toHaveLength(2)
  })
})
