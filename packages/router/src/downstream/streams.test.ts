import type { ServerResponse } from 'node:http'
import type { SessionId } from '@mcp-router/core'
import { backendOf, httpEndpoint } from '@mcp-router/testkit/backend'
import { aRequest, ask, askedId, begin, follow, initialize } from '@mcp-router/testkit/client'
import type { Events } from '@mcp-router/testkit/client'
import { openGateway, openStore } from '@mcp-router/testkit/router'
import { echo, openEndpoint, openRootsCommand, openUsual } from '@mcp-router/testkit/server'
import { describe, expect, it } from 'vitest'

const isClosed = ({ response }: Events): boolean => response.complete || response.destroyed

describe('two streams of one session', () => {
  it('of a command are kept, and the newest that is open is written to', async () => {
    const gateway = await openGateway({
      backends: [backendOf('local', [(await openUsual()).endpoint])],
    })
    const url = `${gateway.url}/mcp/local`
    const { headers } = await initialize(url)
    const first = await follow(url, { headers })
    const second = await follow(url, { headers })
    const say = (n: number) =>
      ask(url, { headers, body: { jsonrpc: '2.0', method: 'say', params: { n } } })
    await say(1)
    expect(await second.message()).toMatchObject({ params: { n: 1 } })
    expect(isClosed(first)).toBe(false)
    second.response.destroy()
    const closed = () =>
      gateway.events.some((each) => each.kind === 'stream' && each.action === 'closed')
    await expect.poll(closed).toBe(true)
    await say(2)
    expect(await first.message()).toMatchObject({ params: { n: 2 } })
  })

  /** A server that allows one stream of a session at a time, as those of the official SDKs do; it refuses `late` more once one has ended. */
  const openPicky = async ({ late = 0, status = 409 } = {}) => {
    const open = new Set<ServerResponse>()
    let refusals = 0
    const endpoint = await openEndpoint((asked) => {
      const { method, res } = asked
      if (method !== 'GET') echo(asked)
      else if (open.size > 0 || refusals-- > 0) res.writeHead(status).end()
      else {
        open.add(res)
        res.on('close', () => {
          open.delete(res)
          refusals = late
        })
        res.writeHead(200, { 'content-type': 'text/event-stream' }).flushHeaders()
      }
    })
    const say = (n: number): void =>
      open.forEach((res) => {
        const message = { jsonrpc: '2.0', method: 'notifications/said', params: { n } }
        res.write(`data: ${JSON.stringify(message)}\n\n`)
      })
    return { endpoint, open, say, backends: [backendOf('web', [httpEndpoint(endpoint.url)])] }
  }

  it('of an http server share its stream, the newest is written to', async () => {
    const { backends, open, say } = await openPicky()
    const gateway = await openGateway({ backends })
    const url = `${gateway.url}/mcp/web`
    const { headers } = await initialize(url)
    const first = await follow(url, { headers })
    const second = await follow(url, { headers })
    say(1)
    expect(await second.message()).toMatchObject({ params: { n: 1 } })
    second.response.destroy()
    const closed = () =>
      gateway.events.some((each) => each.kind === 'stream' && each.action === 'closed')
    await expect.poll(closed).toBe(true)
    say(2)
    expect(await first.message()).toMatchObject({ params: { n: 2 } })
    first.response.destroy()
    await expect.poll(() => open.size).toBe(0)
  })

  it('of which the newest continues from an event take the place of the first, at once', async () => {
    const { backends, endpoint, say } = await openPicky({ late: 5 })
    const gateway = await openGateway({ backends })
    const url = `${gateway.url}/mcp/web`
    const { headers } = await initialize(url)
    const first = await follow(url, { headers })
    const second = await follow(url, { headers: { ...headers, 'last-event-id': 'e-7' } })
    await expect.poll(() => endpoint.by('GET').at(-1)?.headers['last-event-id']).toBe('e-7')
    await expect.poll(() => endpoint.by('GET').at(-1)?.res.writableFinished).toBe(false)
    say(1)
    expect(await second.message()).toMatchObject({ params: { n: 1 } })
    expect(isClosed(first)).toBe(false)
  })

  it.each([409, 400])(
    'of which the second is opened as the first has ended waits for the server to know (%i)',
    async (status) => {
      const { backends, say, open } = await openPicky({ late: 5, status })
      const gateway = await openGateway({ backends })
      const url = `${gateway.url}/mcp/web`
      const { headers } = await initialize(url)
      const first = await follow(url, { headers })
      first.response.destroy()
      const second = await follow(url, { headers })
      expect(second.response.statusCode).toBe(200)
      await expect.poll(() => open.size).toBe(1)
      say(1)
      expect(await second.message()).toMatchObject({ params: { n: 1 } })
    },
  )

  it('at two instances take turns', async () => {
    const { backends, endpoint, say } = await openPicky()
    const store = openStore()
    const a = await openGateway({ backends, store })
    const b = await openGateway({ backends, store, instance: 'router-instance-2' })
    const { headers } = await initialize(`${a.url}/mcp/web`)
    const first = await follow(`${a.url}/mcp/web`, { headers })
    const second = await follow(`${b.url}/mcp/web`, { headers })
    expect([first.response.statusCode, second.response.statusCode]).toEqual([200, 200])
    first.response.destroy()
    await expect.poll(() => endpoint.by('GET').at(-1)?.res.statusCode, { timeout: 5_000 }).toBe(200)
    say(1)
    expect(await second.message()).toMatchObject({ params: { n: 1 } })
  })
})

describe('a request that comes again while its server asks the client', () => {
  it.each([
    ['before', 400, 'ask'],
    ['after', 0, 'ask'],
    ['after', 0, 'prompts/get'],
  ])(
    'gets the question from the start, where it came %s the first was gone (%i ms, %s)',
    async (_, afterMs, method) => {
      const gateway = await openGateway({
        backends: [backendOf('local', [(await openRootsCommand()).endpoint])],
      })
      const url = `${gateway.url}/mcp/local`
      const { headers } = await initialize(url)
      const posted = {
        headers: {
          ...headers,
          accept: 'application/json, text/event-stream',
          'x-request-id': 'one',
        },
        body: aRequest(1, method, { afterMs }),
      }
      const leaving = new AbortController()
      const first = begin(url, { ...posted, signal: leaving.signal })
      first.catch(() => undefined)
      if (afterMs === 0) await first
      else await expect.poll(() => gateway.router.calls()).toBe(1)
      leaving.abort()
      const again = await follow(url, posted)
      const { id, method: asked } = await again.message()
      expect([id, asked]).toEqual([askedId('q'), 'roots/list'])
      await ask(url, { headers, body: { jsonrpc: '2.0', id, result: { roots: [] } } })
      expect(await again.message()).toMatchObject({ id: 1, result: { heard: { roots: [] } } })
    },
  )
})

describe('the streams of a session that its client ends', () => {
  it('end at every instance, where the http server leaves them open', async () => {
    const endpoint = await openEndpoint(({ method, res }) => {
      if (method === 'GET')
        res.writeHead(200, { 'content-type': 'text/event-stream' }).flushHeaders()
      else res.writeHead(200).end()
    })
    const setup = { store: openStore(), backends: [backendOf('web', [httpEndpoint(endpoint.url)])] }
    const a = await openGateway(setup)
    const b = await openGateway({ ...setup, instance: 'router-instance-2' })
    const { headers, session } = await initialize(`${a.url}/mcp/web`)
    const streams = [
      await follow(`${a.url}/mcp/web`, { headers }),
      await follow(`${b.url}/mcp/web`, { headers }),
      await follow(`${b.url}/mcp/web`, { headers }),
    ]
    expect(streams.map(isClosed)).toEqual([false, false, false])
    for (const { response } of streams) response.resume()
    expect((await ask(`${a.url}/mcp/web`, { method: 'DELETE', headers })).status).toBe(200)
    expect(a.ended).toEqual([session])
    await b.router.forget(session as SessionId, true)
    await expect.poll(() => streams.map(isClosed)).toEqual([true, true, true])
    expect(
      (
        await ask(`${b.url}/mcp/web`, {
          method: 'GET',
          headers: { ...headers, accept: 'text/event-stream' },
        })
      ).status,
    ).toBe(404)
  })

  it('go on where another instance goes on with it', async () => {
    const endpoint = await openEndpoint(({ method, res }) => {
      if (method === 'GET')
        res.writeHead(200, { 'content-type': 'text/event-stream' }).flushHeaders()
    })
    const gateway = await openGateway({
      backends: [backendOf('web', [httpEndpoint(endpoint.url)])],
    })
    const { headers, session } = await initialize(`${gateway.url}/mcp/web`)
    const stream = await follow(`${gateway.url}/mcp/web`, { headers })
    await gateway.router.forget(session as SessionId, false)
    for (const res of endpoint.by('GET').map((each) => each.res))
      res.write('data: {"jsonrpc":"2.0","method":"said"}\n\n')
    expect(await stream.message()).toMatchObject({ method: 'said' })
  })
})
