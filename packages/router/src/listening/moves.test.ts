import type { ServerResponse } from 'node:http'
import { backendOf, httpEndpoint } from '@mcp-router/testkit/backend'
import { aRequest, ask, askedId, follow, initialize } from '@mcp-router/testkit/client'
import type { Events } from '@mcp-router/testkit/client'
import { openGateway, openStore } from '@mcp-router/testkit/router'
import type { TestGateway } from '@mcp-router/testkit/router'
import { openEndpoint } from '@mcp-router/testkit/server'
import { describe, expect, it } from 'vitest'

const eventStream = { 'content-type': 'text/event-stream' }
const drainMs = 5_000
/** How long the server works before it asks, ms. */
const worksMs = 100

/**
 * A server that allows one stream of a session, and forgets what it asks while there is none, as the official SDK's does. `ask` is asked at once,
 * `askSoon` after a while; each is answered once its client has. After `shut` a stream begins only once `open` is called. `isBlind`: it does not
 * notice that a stream was closed before it writes to it, as the official SDK's `toNodeHandler` does.
 */
const openForgetful = async (isBlind = false) => {
  let own: ServerResponse | undefined
  let isShut = false
  let waiting: (() => void) | undefined
  const calls = new Map<unknown, ServerResponse>()
  const say = (id: unknown): void =>
    void own?.write(`data: ${JSON.stringify({ jsonrpc: '2.0', id, method: 'roots/list' })}\n\n`)
  const open = (): void => {
    isShut = false
    waiting?.()
  }
  const endpoint = await openEndpoint(({ method, message, res }) => {
    if (method === 'GET') {
      if (own) {
        res.writeHead(409).end()
        return
      }
      const begin = (): void => {
        own = res
        if (!isBlind) res.on('close', () => (own = undefined))
        res.writeHead(200, eventStream).flushHeaders()
      }
      if (isShut) waiting = begin
      else begin()
    } else if (message.method === 'ask' || message.method === 'askSoon') {
      calls.set(message.id, res)
      if (message.method === 'ask') say(message.id)
      else
        setTimeout(() => {
          say(message.id)
          open()
        }, worksMs)
    } else if (message.method === undefined) {
      const call = calls.get(message.id)
      call?.writeHead(200, { 'content-type': 'application/json' })
      call?.end(JSON.stringify({ jsonrpc: '2.0', id: message.id, result: { n: message.id } }))
      res.writeHead(202).end()
    } else if (message.method !== 'hang') {
      res.writeHead(200, { 'content-type': 'application/json' })
      res.end(JSON.stringify({ jsonrpc: '2.0', id: message.id, result: { tools: [] } }))
    }
  })
  return {
    endpoint,
    open,
    shut: () => void (isShut = true),
    isAwaited: () => waiting !== undefined,
    received: (method: string) => endpoint.by(method).length > 0,
  }
}

const isClosed = ({ response }: Events): boolean => response.complete || response.destroyed
const accept = { accept: 'application/json, text/event-stream' }
const answerTo = (id: unknown) => ({ jsonrpc: '2.0', id, result: { roots: [] } })

/** Three Instances; the one that has the client's stream drains, and keeps the server's: it was started as this one. */
const openThree = async (started = 1, isBlind = false) => {
  const server = await openForgetful(isBlind)
  const backends = [backendOf('web', [httpEndpoint(server.endpoint.url)])]
  const store = openStore()
  const open = (n: number) =>
    openGateway({ backends, store, instance: `router-instance-${n}` as const })
  const order = [started, ...[1, 2, 3].filter((n) => n !== started)]
  const all = [await open(1), await open(2), await open(3)]
  const [a, b, c] = order.map((n) => all[n - 1]!) as [TestGateway, TestGateway, TestGateway] // three
  const at = (gateway: { readonly url: string }): string => `${gateway.url}/mcp/web`
  const { headers } = await initialize(at(a))
  for (const each of [b, c]) await ask(at(each), { headers, body: aRequest(0, 'tools/list') })
  const own = await follow(at(a), { headers })
  const draining = a.router.drain(drainMs)
  await expect.poll(() => isClosed(own)).toBe(true)
  const call = (id: number, method: string) => ({
    headers: { ...headers, ...accept },
    body: aRequest(id, method),
  })
  return { ...server, a, b, c, at, headers, call, draining }
}

describe('a server that allows one stream, and forgets what it asks while there is none', () => {
  it.each([
    ['a', 1],
    ['b', 1],
    ['c', 1],
    ['a', 3],
    ['b', 3],
    ['c', 3],
  ] as const)(
    'has the client asked by a call that comes to %s while the stream is on its way to b (a is number %i)',
    async (name, started) => {
      const { a, b, c, at, headers, call, shut, isAwaited, open, received } =
        await openThree(started)
      const gateway = { a, b, c }[name]
      shut()
      // Keeps the drain from ending.
      const hanging = ask(at(a), call(2, 'hang'))
      hanging.catch(() => undefined)
      await expect.poll(() => received('hang')).toBe(true)
      const coming = follow(at(b), { headers })
      await expect.poll(isAwaited, { timeout: drainMs }).toBe(true)
      const before = gateway.router.begun()
      const asking = ask(at(gateway), call(1, 'ask'))
      await expect.poll(() => gateway.router.begun()).toBe(before + 1)
      // Had the call been sent at once, it would have been received before this.
      await ask(at(gateway), { headers, body: answerTo('nobody’s') })
      open()
      const next = await coming
      expect(await next.message()).toMatchObject({ id: askedId(1), method: 'roots/list' })
      await ask(at(b), { headers, body: answerTo(1) })
      expect((await asking).text).toContain('"n":1')
    },
  )

  it('has the client asked by a call that was sent before its stream moves', async () => {
    const { b, c, at, headers, call, shut, received, draining } = await openThree()
    shut()
    const asking = ask(at(c), call(1, 'askSoon'))
    await expect.poll(() => received('askSoon')).toBe(true)
    const next = await follow(at(b), { headers })
    expect(await next.message()).toMatchObject({ id: askedId(1), method: 'roots/list' })
    await ask(at(b), { headers, body: answerTo(1) })
    expect((await asking).text).toContain('"n":1')
    await draining
  })

  it('answers calls that come while it takes a stream for open that is closed', async () => {
    const { a, b, c, at, headers, call, draining } = await openThree(1, true)
    const coming = await follow(at(b), { headers })
    const answered = [b, c, b].map(async (each, n) => (await ask(at(each), call(n, 'list'))).status)
    expect(await Promise.all(answered)).toEqual([200, 200, 200])
    expect(isClosed(coming)).toBe(false)
    await draining
    expect(a.router.calls()).toBe(0)
  })
})
