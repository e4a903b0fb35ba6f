import type { ServerResponse } from 'node:http'
import { backendOf, httpEndpoint } from '@mcp-router/testkit/backend'
import { aRequest, ask, askedId, follow, initialize } from '@mcp-router/testkit/client'
import { openGateway, openStore } from '@mcp-router/testkit/router'
import type { TestGateway } from '@mcp-router/testkit/router'
import { echo, openEndpoint } from '@mcp-router/testkit/server'
import { describe, expect, it } from 'vitest'

const eventStream = { 'content-type': 'text/event-stream' }
const asked = { jsonrpc: '2.0', id: 'q', method: 'roots/list' }
const news = { jsonrpc: '2.0', method: 'notifications/said' }

/**
 * A server that allows several streams of a session, and speaks on the newest. `ask` has it ask there and wait; where nobody has a stream open, it
 * answers at once. While it is `brief`, its streams end with their heads.
 */
const openSpeaker = async () => {
  const streams = new Map<unknown, ServerResponse[]>()
  const speaking = { brief: false }
  /** Of which session each event was: each counts its own. */
  const said: string[] = []
  const say = (session: string, message: object): boolean => {
    const res = streams.get(session)?.at(-1)
    const id = `${said.filter((each) => each === session).length}`
    if (res) said.push(session)
    return res?.write(`id: ${id}\ndata: ${JSON.stringify(message)}\n\n`) ?? false
  }
  const endpoint = await openEndpoint((each) => {
    const { method, headers, message, res } = each
    const session = String(headers['mcp-session-id'])
    if (method === 'GET' && speaking.brief) res.writeHead(200, eventStream).end()
    else if (method === 'GET') {
      const all = streams.get(session) ?? []
      streams.set(session, all)
      all.push(res)
      res.on('close', () => void all.splice(all.indexOf(res), 1))
      res.writeHead(200, eventStream).flushHeaders()
    } else if (message.method !== 'ask') echo(each)
    else if (!say(session, asked)) {
      const answer = JSON.stringify({ jsonrpc: '2.0', id: message.id, result: {} })
      res.writeHead(200, eventStream).end(`data: ${answer}\n\n`)
    }
  })
  const open = (session: string): number => streams.get(session)?.length ?? 0
  return { endpoint, speaking, say, open }
}

/** Instances in front of it, the last of which is gone: the others listen in the place of clients. */
const openInstances = async (count: number) => {
  const server = await openSpeaker()
  const backends = [backendOf('web', [httpEndpoint(server.endpoint.url)])]
  const store = openStore()
  const all: TestGateway[] = []
  for (let n = 1; n <= count; n++)
    all.push(await openGateway({ backends, store, instance: `router-instance-${n}` }))
  const at = (n: number): string => `${all[n]?.url}/mcp/web`
  const { headers } = await initialize(at(0))
  const call = (id: number, method: string) => ({
    headers: { ...headers, accept: 'application/json, text/event-stream' },
    body: aRequest(id, method),
  })
  const end = async (n: number): Promise<void> => all[n]?.router.drain(0)
  /** The instance goes; resolves once the first has noticed, and listens while it passes calls. */
  const lose = async (n: number): Promise<void> => {
    const before = server.endpoint.by('GET').length
    await end(n)
    await expect
      .poll(async () => {
        await ask(at(0), call(90 + n, 'echo'))
        return server.endpoint.by('GET').length
      })
      .toBeGreaterThan(before)
  }
  return { ...server, headers, url: at(0), at, call, end, lose }
}

describe('a listener in the place of a client', () => {
  it('is replaced where the stream ended as soon as it began', async () => {
    const { speaking, url, call, lose } = await openInstances(2)
    speaking.brief = true
    await lose(1)
    speaking.brief = false
    expect(await (await follow(url, call(1, 'ask'))).message()).toEqual({
      ...asked,
      id: askedId('q'),
    })
  })

  it('is replaced where the session was opened anew at its server', async () => {
    const { endpoint, url, call, lose } = await openInstances(2)
    await lose(1)
    expect(await (await follow(url, call(1, 'ask'))).message()).toEqual({
      ...asked,
      id: askedId('q'),
    })
    endpoint.forget()
    await ask(url, call(2, 'echo'))
    expect(await (await follow(url, call(3, 'ask'))).message()).toEqual({
      ...asked,
      id: askedId('q'),
    })
  })

  it('is not handed to a client whose session was opened anew at its server', async () => {
    const { endpoint, url, headers, call, lose, say, open } = await openInstances(2)
    await lose(1)
    expect(await (await follow(url, call(1, 'ask'))).message()).toEqual({
      ...asked,
      id: askedId('q'),
    })
    endpoint.forget()
    await ask(url, call(2, 'echo'))
    const own = await follow(url, { headers })
    await expect.poll(() => [open('s-1'), open('s-2')]).toEqual([0, 1])
    say('s-2', news)
    expect(await own.message()).toEqual(news)
  })

  it('is opened where a client had its own, which has left since', async () => {
    const { url, at, headers, call, end, lose, open } = await openInstances(3)
    await follow(at(1), { headers })
    await end(2)
    for (let n = 0; n < 3; n++) await ask(url, call(10 + n, 'echo'))
    expect(open('s-1')).toBe(1)
    await lose(1)
    expect(await (await follow(url, call(1, 'ask'))).message()).toEqual({
      ...asked,
      id: askedId('q'),
    })
  })
})
