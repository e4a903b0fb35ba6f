import { backendOf, httpEndpoint, nodeEndpoint, sseEndpoint } from '@mcp-router/testkit/backend'
import { aRequest, ask, follow, jsonOf } from '@mcp-router/testkit/client'
import { openGateway } from '@mcp-router/testkit/router'
import {
  childrenOf,
  deadUrl,
  openEndpoint,
  openSseServer,
  openUsual,
} from '@mcp-router/testkit/server'
import { describe, expect, it } from 'vitest'

const open = async () => {
  const endpoint = await openEndpoint()
  const backends = [
    backendOf('local', [(await openUsual()).endpoint]),
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
  const address = new URL(first.data.toString(), url).href
  const send = (body: unknown) => ask(address, { headers, body })
  const id = new URL(address).searchParams.get('sessionId') ?? ''
  return { events, first, address, id, send }
}

describe('a client of 2024-11-05', () => {
  it('is told first where to post', async () => {
    const { gateway } = await open()
    const { events, first, id } = await connect(`${gateway.url}/sse/local`)
    expect(events.response.headers['content-type']).toBe('text/event-stream')
    expect(first.event).toBe('endpoint')
    expect(first.data.toString()).toBe(`/mcp/local/message?sessionId=${id}`)
    const record = await gateway.store.sessions.find(id as never)
    expect(record).toMatchObject({ downstream: 'sse', epoch: 1, backend: 'local' })
  })

  it('is told a path, which works whatever scheme, host and port are outside', async () => {
    const { gateway } = await open()
    const headers = {
      'x-forwarded-proto': 'https',
      'x-forwarded-host': 'a.example',
      'x-forwarded-prefix': '/b',
    }
    const { first } = await connect(`${gateway.url}/sse?serviceName=local`, headers)
    expect(first.data.toString()).toMatch(/^\/b\/mcp\/local\/message\?sessionId=/)
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
    await expect.poll(() => childrenOf(gateway.events)).toEqual([true])
    events.response.destroy()
    await expect.poll(() => gateway.ended).toEqual([id])
    expect((await send(aRequest(1, 'echo'))).status).toBe(404)
    await expect.poll(() => childrenOf(gateway.events)).toEqual([false])
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

describe('a stream of a server that is being restarted', () => {
  it('waits for it', async () => {
    const server = await openSseServer()
    const backends = [backendOf('old', [sseEndpoint(server.url)])]
    const gateway = await openGateway({ backends })
    // Until it was seen once, nobody knows that it is there at other times.
    await follow(`${gateway.url}/sse/old`)
    server.down()
    const opening = follow(`${gateway.url}/sse/old`)
    await expect.poll(() => server.refused()).toBeGreaterThan(0)
    server.up()
    expect((await (await opening).next()).event).toBe('endpoint')
  })
})

describe('a stream is refused', () => {
  it('of a server that cannot be reached', async () => {
    const { gateway } = await open()
    expect(await ask(`${gateway.url}/sse/dead`)).toMatchObject({ status: 502 })
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
