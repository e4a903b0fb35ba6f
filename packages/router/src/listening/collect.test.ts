import type { ServerResponse } from 'node:http'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { InstanceId } from '@mcp-router/core'
import type { Store } from '@mcp-router/store'
import { backendOf, httpEndpoint } from '@mcp-router/testkit/backend'
import { begin, follow, initialize } from '@mcp-router/testkit/client'
import type { Events } from '@mcp-router/testkit/client'
import { openGateway, openStore } from '@mcp-router/testkit/router'
import { echo, openEndpoint } from '@mcp-router/testkit/server'
import { describe, expect, it, onTestFinished } from 'vitest'

const eventStream = { 'content-type': 'text/event-stream' }
const limitMs = 5_000

/** A server that allows one stream of a session, numbers its events, and goes on behind the last that a client names. */
const openSpeaker = async () => {
  let own: ServerResponse | undefined
  const said: string[] = []
  const write = (n: number): void => {
    const message = { jsonrpc: '2.0', method: 'notifications/said', params: { text: said[n] } }
    own?.write(`id: e-${n}\ndata: ${JSON.stringify(message)}\n\n`)
  }
  const endpoint = await openEndpoint((asked) => {
    const { method, headers, res } = asked
    if (method !== 'GET') echo(asked)
    else if (own) res.writeHead(409).end()
    else {
      own = res
      res.on('close', () => (own = undefined))
      res.writeHead(200, eventStream).flushHeaders()
      const last = headers['last-event-id']
      const from = typeof last === 'string' ? Number(last.slice(2)) + 1 : said.length
      for (let n = from; n < said.length; n++) write(n)
    }
  })
  const say = (text: string): void => write(said.push(text) - 1)
  return { endpoint, say }
}

/** An Instance that answers nobody who collects, until the test has it do so. */
const openHesitant = async (store: Store) => {
  const asked: ServerResponse[] = []
  const server = createServer(({ method }, res) => {
    if (method === 'DELETE') asked.push(res)
    else res.writeHead(404).end()
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const address = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  await store.membership.join({
    id: 'router-instance-3' as InstanceId,
    address,
    pid: 1,
    startedAt: 1,
    sessions: 0,
  })
  onTestFinished(async () => {
    server.closeAllConnections()
    await new Promise((closed) => server.close(closed))
  })
  return {
    /** Resolves once so many wait for it. */
    waiting: (count: number) => expect.poll(() => asked.length).toBe(count),
    answer: (n: number) => void asked[n]?.writeHead(404).end(),
  }
}

/** A client whose stream is away with an Instance that drains, and what its server said meanwhile. */
const openAway = async () => {
  const { endpoint, say } = await openSpeaker()
  const backends = [backendOf('web', [httpEndpoint(endpoint.url)])]
  const store = openStore()
  const a = await openGateway({ backends, store })
  const b = await openGateway({ backends, store, instance: 'router-instance-2' })
  const hesitant = await openHesitant(store)
  const url = `${b.url}/mcp/web`
  const { headers } = await initialize(url)
  const { response } = await follow(`${a.url}/mcp/web`, { headers })
  void a.router.drain(limitMs)
  await expect.poll(() => response.complete).toBe(true)
  say('one')
  say('two')
  /** Resolves once so many of its streams have been closed. */
  const closed = (count: number) =>
    expect
      .poll(() => b.events.filter((each) => each.kind === 'stream' && each.action === 'closed'))
      .toHaveLength(count)
  return { say, url, headers, hesitant, closed }
}

const textOf = ({ params }: Record<string, unknown>) => (params as { text: unknown }).text
const hear = async (events: Events, count: number): Promise<unknown[]> => {
  const texts = []
  for (let n = 0; n < count; n++) texts.push(textOf(await events.message()))
  return texts
}

describe('what a client missed, collected for a stream that it replaces meanwhile', () => {
  it.each([
    [0, 1],
    [1, 0],
  ])('is heard once, on the next stream (answers %d, %d)', async (...order) => {
    const { say, url, headers, hesitant } = await openAway()
    const first = begin(url, { headers })
    await hesitant.waiting(1)
    const second = follow(url, { headers })
    await hesitant.waiting(2)
    say('three')
    for (const n of order) hesitant.answer(n)
    expect(await hear(await second, 2)).toEqual(['one', 'two'])
    expect(await hear(await second, 1)).toEqual(['three'])
    const { headers: head, readableLength } = (await first).on('error', () => undefined)
    expect([head['content-type'], readableLength]).toEqual(['text/event-stream', 0])
  })

  it('is heard on the first where the client gives up the second', async () => {
    const { say, url, headers, hesitant, closed } = await openAway()
    const first = follow(url, { headers })
    await hesitant.waiting(1)
    const leaving = new AbortController()
    const second = begin(url, { headers, signal: leaving.signal })
    await hesitant.waiting(2)
    leaving.abort()
    await expect(second).rejects.toThrow()
    await closed(1)
    hesitant.answer(0)
    hesitant.answer(1)
    const events = await first
    expect(await hear(events, 2)).toEqual(['one', 'two'])
    say('three')
    expect(await hear(events, 1)).toEqual(['three'])
  })

  it('is heard on the second where the first is gone before that', async () => {
    const { say, url, headers, hesitant, closed } = await openAway()
    const leaving = new AbortController()
    const first = begin(url, { headers, signal: leaving.signal })
    await hesitant.waiting(1)
    leaving.abort()
    await expect(first).rejects.toThrow()
    await closed(1)
    hesitant.answer(0)
    const second = follow(url, { headers })
    await hesitant.waiting(2)
    hesitant.answer(1)
    const events = await second
    expect(await hear(events, 2)).toEqual(['one', 'two'])
    say('three')
    expect(await hear(events, 1)).toEqual(['three'])
  })
})
