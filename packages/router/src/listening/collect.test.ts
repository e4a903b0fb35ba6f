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
import { writeMissed } from '../streams/backlog.js'

const eventStream = { 'content-type': 'text/event-stream' }

/** A server that allows one stream of a session, numbers its events, and goes on behind the last that a client names. */
const openSpeaker = async () => {
  let own: ServerResponse | undefined
  const said: string[] = []
  const eventOf = (n: number): string => {
    const message = { jsonrpc: '2.0', method: 'notifications/said', params: { text: said[n] } }
    return `id: e-${n}\ndata: ${JSON.stringify(message)}\n\n`
  }
  const write = (n: number): void => void own?.write(eventOf(n))
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
  return { endpoint, say, eventOf }
}

/** An Instance that drains, and hands on what a client missed when the test has it do so. */
const openHesitant = async (store: Store) => {
  let asked: ServerResponse | undefined
  let isOver = false
  const server = createServer(({ method }, res) => {
    if (method === 'DELETE') asked = res
    else if (method === 'GET') res.end(isOver ? '' : 'draining')
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
    /** Resolves once it is asked for it. */
    isAsked: () => expect.poll(() => asked !== undefined).toBe(true),
    handOn(frames: readonly Buffer[], ids: readonly string[]): void {
      isOver = true
      asked?.end(writeMissed({ frames, ids }))
    },
  }
}

/** A client whose stream is away with an Instance that drains, and what its server said meanwhile. */
const openAway = async () => {
  const { endpoint, say, eventOf } = await openSpeaker()
  const backends = [backendOf('web', [httpEndpoint(endpoint.url)])]
  const store = openStore()
  const a = await openGateway({ backends, store })
  const b = await openGateway({ backends, store, instance: 'router-instance-2' })
  const hesitant = await openHesitant(store)
  const url = `${b.url}/mcp/web`
  const { headers } = await initialize(url)
  const { response } = await follow(`${a.url}/mcp/web`, { headers })
  await a.router.drain(0)
  await expect.poll(() => response.complete || response.destroyed).toBe(true)
  say('one')
  say('two')
  const handOn = (): void =>
    hesitant.handOn(
      [0, 1].map((n) => Buffer.from(eventOf(n))),
      ['e-0', 'e-1'],
    )
  const { isAsked } = hesitant
  /** Resolves once so many of its streams have been closed. */
  const closed = (count: number) =>
    expect
      .poll(() => b.events.filter((each) => each.kind === 'stream' && each.action === 'closed'))
      .toHaveLength(count)
  /** Resolves once so many have been opened. */
  const opened = (count: number) =>
    expect
      .poll(() => b.events.filter((each) => each.kind === 'stream' && each.action === 'opened'))
      .toHaveLength(count)
  return { say, url, headers, isAsked, handOn, opened, closed }
}

const textOf = ({ params }: Record<string, unknown>) => (params as { text: unknown }).text
const hear = async (events: Events, count: number): Promise<unknown[]> => {
  const texts = []
  for (let n = 0; n < count; n++) texts.push(textOf(await events.message()))
  return texts
}

describe('what a client missed, collected for a stream that it replaces meanwhile', () => {
  it('is heard once, on the next stream', async () => {
    const { say, url, headers, isAsked, handOn, opened } = await openAway()
    const first = begin(url, { headers })
    await isAsked()
    const second = follow(url, { headers })
    await opened(2)
    say('three')
    handOn()
    expect(await hear(await second, 3)).toEqual(['one', 'two', 'three'])
    say('four')
    expect(await hear(await second, 1)).toEqual(['four'])
    const { headers: head, readableLength } = (await first).on('error', () => undefined)
    expect([head['content-type'], readableLength]).toEqual(['text/event-stream', 0])
  })

  it('is heard on the first where the client gives up the second', async () => {
    const { say, url, headers, isAsked, handOn, opened, closed } = await openAway()
    const first = follow(url, { headers })
    await isAsked()
    const leaving = new AbortController()
    const second = begin(url, { headers, signal: leaving.signal })
    await opened(2)
    leaving.abort()
    await expect(second).rejects.toThrow()
    await closed(1)
    handOn()
    const events = await first
    expect(await hear(events, 2)).toEqual(['one', 'two'])
    say('three')
    expect(await hear(events, 1)).toEqual(['three'])
  })

  it('is heard on the second where the first is gone before that', async () => {
    const { say, url, headers, isAsked, handOn, closed } = await openAway()
    const leaving = new AbortController()
    const first = begin(url, { headers, signal: leaving.signal })
    await isAsked()
    leaving.abort()
    await expect(first).rejects.toThrow()
    await closed(1)
    handOn()
    const events = await follow(url, { headers })
    expect(await hear(events, 2)).toEqual(['one', 'two'])
    say('three')
    expect(await hear(events, 1)).toEqual(['three'])
  })
})
