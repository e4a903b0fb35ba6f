import type { Backend, SessionId } from '@mcp-router/core'
import { backendOf, httpEndpoint, sseEndpoint } from '@mcp-router/testkit/backend'
import { aRequest, ask, follow, initialize } from '@mcp-router/testkit/client'
import { handshakeOf, openGateway, openStore, streamAt } from '@mcp-router/testkit/router'
import {
  echo,
  openEndpoint,
  openModernEndpoint,
  openSseServer,
  openUsual,
} from '@mcp-router/testkit/server'
import type { Asked } from '@mcp-router/testkit/server'
import { describe, expect, it, vi } from 'vitest'

const limit = { timeout: 10_000 }
const advertised = { tools: { listChanged: true }, prompts: {}, resources: { listChanged: true } }
const changed = ['tools', 'resources'].map((list) => ({
  jsonrpc: '2.0',
  method: `notifications/${list}/list_changed`,
}))
const said = { jsonrpc: '2.0', method: 'notifications/said' }

/** Two Instances of a cluster, and what the second was told by the first. */
const openPair = async (backend: Backend) => {
  const store = openStore()
  const setup = { backends: [backend], store }
  const a = await openGateway(setup)
  const b = await openGateway({ ...setup, instance: 'router-instance-2' })
  return { store, a, b, path: `/mcp/${backend.name}` }
}

/** An http server whose client's streams begin with half an event. */
const openHttp = async (capabilities: object = advertised) => {
  const streams: Asked['res'][] = []
  const answer = (asked: Asked): void => {
    const { res, message } = asked
    if (asked.method === 'GET') {
      res.writeHead(200, { 'content-type': 'text/event-stream' })
      res.write('event: message\ndata: {"jsonrpc":"2.0",')
      streams.push(res)
    } else if (message.method === 'tools/list') {
      const result = { tools: [{ name: 'one', annotations: { readOnlyHint: true } }] }
      res.writeHead(200, { 'content-type': 'application/json' })
      res.end(JSON.stringify({ jsonrpc: '2.0', id: message.id, result }))
    } else echo(asked)
  }
  const endpoint = await openEndpoint(answer, { capabilities })
  const pair = await openPair(backendOf('web', [httpEndpoint(endpoint.url)]))
  const url = pair.a.url + pair.path
  const { headers, session } = await initialize(url)
  return {
    ...pair,
    endpoint,
    url,
    headers,
    /** Has the second Instance know that the Session moved, as instances tell each other. */
    tellSecond: () => pair.b.router.forget(session as SessionId), // of the store
    streams: () => streams.length,
    /** What the server says on its newest stream. */
    say: () => void streams.at(-1)?.write('"method":"notifications/said"}\n\n'),
    /** Ends its sessions with their streams. */
    restart: (): void => {
      endpoint.forget()
      for (const stream of streams) stream.destroy()
    },
  }
}

type Follow = Awaited<ReturnType<typeof follow>>
const messagesOf = async (events: Follow, count: number) => {
  const all = []
  for (let n = 0; n < count; n++) all.push(await events.message())
  return all
}

describe('a client of an http server that has forgotten its session', () => {
  it('gets each list_changed that the server advertises, between two events, once', async () => {
    const { url, headers, say, streams, restart } = await openHttp()
    const first = await follow(url, { headers })
    say()
    expect(await first.message()).toEqual(said)
    restart()
    await vi.waitUntil(() => first.response.closed, limit)
    const second = await follow(url, { headers })
    expect(await messagesOf(second, 2)).toEqual(changed)
    say()
    expect(await second.message()).toEqual(said)
    second.response.destroy()
    const third = await follow(url, { headers })
    await vi.waitUntil(() => streams() === 3, limit)
    say()
    expect(await third.message()).toEqual(said)
  })

  it('gets them on its next stream where a call found out, at whatever instance that is opened', async () => {
    const { url, b, path, headers, say, streams, restart, tellSecond } = await openHttp()
    restart()
    expect((await ask(url, { headers, body: aRequest(1, 'echo') })).status).toBe(200)
    await tellSecond()
    const events = await follow(b.url + path, { headers })
    expect(await messagesOf(events, 2)).toEqual(changed)
    say()
    expect(await events.message()).toEqual(said)
    // What the instance listened to meanwhile goes on.
    expect(streams()).toBe(1)
  })

  it('gets them on a stream that is being opened meanwhile at another instance', async () => {
    const { url, b, path, headers, restart } = await openHttp()
    restart()
    const following = follow(b.url + path, { headers })
    expect((await ask(url, { headers, body: aRequest(1, 'echo') })).status).toBe(200)
    expect(await messagesOf(await following, 2)).toEqual(changed)
  })

  it('gets none where the server advertises none', async () => {
    const { url, headers, say, streams, restart } = await openHttp({ tools: {} })
    restart()
    const events = await follow(url, { headers })
    await vi.waitUntil(() => streams() === 1, limit)
    say()
    expect(await events.message()).toEqual(said)
  })
})

it('a client whose session moves to another http endpoint gets what that one advertises', async () => {
  const servers = [
    await openEndpoint(),
    await openEndpoint(echo, { capabilities: advertised }),
  ] as const
  const [one, other] = servers.map(({ url }) => httpEndpoint(url))
  if (!one || !other) throw new Error('there is no endpoint')
  const { a, path } = await openPair(backendOf('web', [one]))
  const { headers } = await initialize(a.url + path)
  a.publish(backendOf('web', [other]))
  await servers[0].shut()
  const { status } = await ask(a.url + path, { headers, body: aRequest(1, 'echo') })
  expect(status).toBe(200)
  // It gives no stream of its own: the client's ends.
  expect(await messagesOf(await follow(a.url + path, { headers }), 2)).toEqual(changed)
})

it('what may run twice is looked up anew, here and at the other instances', async () => {
  const { url, headers, endpoint, restart, a } = await openHttp()
  const call = (id: number) =>
    ask(url, {
      headers: { ...headers, 'x-request-id': `r-${id}` },
      body: aRequest(id, 'tools/call', { name: 'one' }),
    })
  for (const id of [1, 2]) expect((await call(id)).status).toBe(200)
  await vi.waitUntil(() => endpoint.by('tools/list').length === 1, limit)
  restart()
  expect((await call(3)).status).toBe(200)
  // The session that callers share is forgotten, too.
  await vi.waitUntil(() => endpoint.by('tools/list').length > 1, limit)
  expect(a.initialized).toEqual(['web'])
})

const openCommandBackend = async () =>
  backendOf('local', [(await openUsual({ capabilities: advertised })).endpoint])

describe('a client of a command', () => {
  it('that ended gets each list_changed that the next process advertises, once', async () => {
    const { a, path } = await openPair(await openCommandBackend())
    const { headers } = await initialize(a.url + path)
    const send = (body: object) => ask(a.url + path, { headers, body })
    await send({ jsonrpc: '2.0', method: 'notifications/initialized' })
    const events = await follow(a.url + path, { headers })
    await send({ jsonrpc: '2.0', method: 'say' })
    expect(await events.message()).toMatchObject(said)
    await send({ jsonrpc: '2.0', method: 'exit' })
    expect((await send(aRequest(1, 'echo'))).status).toBe(200)
    await send({ jsonrpc: '2.0', method: 'say' })
    expect(await messagesOf(events, 3)).toMatchObject([...changed, said])
  })

  it('whose instance is gone gets them of the process at the next one', async () => {
    const { store, a, b, path } = await openPair(await openCommandBackend())
    const { headers } = await initialize(a.url + path)
    await store.membership.leave('router-instance-1' as never)
    const events = await follow(b.url + path, { headers })
    expect(await messagesOf(events, 2)).toEqual(changed)
  })
})

/** A modern server that has no sessions, listens forever, and answers the rest. */
const answerModern = ({ res, message: { id, method } }: Asked): void => {
  if (method === 'subscriptions/listen') return
  const refused = { code: -32022, message: 'no', data: { supported: ['2026-07-28'] } }
  const outcome =
    method === 'initialize' ? { error: refused } : { result: { resultType: 'complete' } }
  res.writeHead('error' in outcome ? 400 : 200, { 'content-type': 'application/json' })
  res.end(JSON.stringify({ jsonrpc: '2.0', id, ...outcome }))
}

const greeted = { jsonrpc: '2.0', method: 'notifications/initialized' }

/** A client of 2024-11-05, at the first of two Instances, and the same at the second once the first is gone. */
const openSse = async (backend: Backend) => {
  const { store, a, b } = await openPair(backend)
  const client = await streamAt(a, {}, backend.name)
  await client.send(aRequest(0, 'initialize', handshakeOf('c')))
  await client.events.message()
  await client.send(greeted)
  await expect.poll(async () => (await store.sessions.find(client.id))?.revision).toBeTruthy()
  return {
    a,
    client,
    comeBack: async () => {
      await store.membership.leave('router-instance-1' as never)
      const headers = { 'last-event-id': client.lastEventId }
      const again = await streamAt(b, headers, backend.name)
      expect(again.id).toBe(client.id)
      return again
    },
  }
}

describe('a client of 2024-11-05 that is taken over', () => {
  it.each([
    ['a command', openCommandBackend],
    [
      'an HTTP+SSE server',
      async () => backendOf('old', [sseEndpoint((await openSseServer(advertised)).url)]),
    ],
    [
      'a modern server',
      async () => {
        const found = { supportedVersions: ['2026-07-28'], capabilities: advertised }
        const { url } = await openModernEndpoint(answerModern, { discovered: found })
        return backendOf('modern', [httpEndpoint(url)])
      },
    ],
  ])('gets each list_changed that %s advertises, once', async (_, open) => {
    const { comeBack } = await openSse(await open())
    const again = await comeBack()
    await again.send(aRequest(1, 'echo'))
    expect(await messagesOf(again.events, 3)).toMatchObject([...changed, { id: 1 }])
  })

  it('gets none where its session at the server goes on', async () => {
    const endpoint = await openEndpoint(echo, { capabilities: advertised })
    const { comeBack } = await openSse(backendOf('web', [httpEndpoint(endpoint.url)]))
    const again = await comeBack()
    await again.send(aRequest(1, 'echo'))
    expect(await again.events.message()).toMatchObject({ id: 1 })
    expect(endpoint.by('initialize')).toHaveLength(1)
  })

  it('gets them where its server has forgotten that', async () => {
    const endpoint = await openEndpoint(echo, { capabilities: advertised })
    const { comeBack } = await openSse(backendOf('web', [httpEndpoint(endpoint.url)]))
    endpoint.forget()
    const again = await comeBack()
    await again.send(aRequest(1, 'echo'))
    const all = await messagesOf(again.events, 3)
    expect(all).toEqual(expect.arrayContaining(changed))
  })
})
