import { backendOf, httpEndpoint, sseEndpoint } from '@mcp-router/testkit/backend'
import {
  aRequest,
  ask,
  canAnswer,
  follow,
  initialize,
  jsonOf,
  modernClient,
} from '@mcp-router/testkit/client'
import { openGateway, openStore } from '@mcp-router/testkit/router'
import { echo, openEndpoint, openExclusive, openUsual } from '@mcp-router/testkit/server'
import { describe, expect, it } from 'vitest'
import type { RouterOptions } from '../deps.js'

const open = async (options: Partial<RouterOptions> = {}, store = openStore()) => {
  const endpoint = await openEndpoint((asked) => {
    if (asked.method !== 'GET') echo(asked)
    else asked.res.writeHead(200, { 'content-type': 'text/event-stream' }).flushHeaders()
  })
  const backends = [
    backendOf('local', [(await openUsual()).endpoint]),
    backendOf('weather', [httpEndpoint(endpoint.url)]),
    backendOf('old', [sseEndpoint(endpoint.url)]),
  ]
  const gateway = await openGateway({ backends, options, store })
  return { gateway, store, at: (name: string) => `${gateway.url}/mcp/${name}` }
}

const ping = aRequest(7, 'ping')

/** Follows the stream of a session. */
const listen = (url: string, headers: Record<string, string>) => follow(url, { headers })

const pidOf = (told: { readonly text: string }): number => {
  const { result } = JSON.parse(told.text) as { result: { serverInfo: { pid: number } } }
  return result.serverInfo.pid
}

const isAlive = (pid: number): boolean => {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}

describe.each(['local', 'weather'])('the sessions of one principal at %s', (name) => {
  const two = { maxSessions: 2, maxStdioSessions: 2 }

  it('are limited: the one that was idle longest makes room', async () => {
    const { at } = await open(two)
    const first = await initialize(at(name))
    const second = await initialize(at(name))
    await new Promise((resolve) => setTimeout(resolve, 5))
    await ask(at(name), { headers: first.headers, body: ping })
    const third = await initialize(at(name))
    expect(third.told.status).toBe(200)
    await expect
      .poll(async () => (await ask(at(name), { headers: second.headers, body: ping })).status)
      .toBe(404)
    for (const { headers } of [first, third])
      expect((await ask(at(name), { headers, body: ping })).status).toBe(200)
  })

  it('are not ended while their client listens: a new one is refused', async () => {
    const { at } = await open(two)
    const first = await initialize(at(name))
    await listen(at(name), first.headers)
    const second = await initialize(at(name))
    await listen(at(name), second.headers)
    const { told } = await initialize(at(name))
    expect([told.status, told.headers['retry-after']]).toEqual([503, '5'])
    expect(jsonOf(told)).toMatchObject({
      error: { message: `Too many sessions at server "${name}": the limit is 2` },
    })
    // Those of another principal are counted apart.
    expect((await initialize(at(name), { 'x-principal': 'bob' })).told.status).toBe(200)
  })

  it('give their place back', async () => {
    const { at } = await open({ maxSessions: 1, maxStdioSessions: 1 })
    for (let round = 0; round < 3; round++) {
      const { headers } = await initialize(at(name))
      await listen(at(name), headers)
      expect((await ask(at(name), { method: 'DELETE', headers })).status).toBe(200)
    }
  })

  it('are limited when they open at once', async () => {
    const { at, gateway } = await open(two)
    const all = await Promise.all(Array.from({ length: 8 }, () => initialize(at(name))))
    const opened = all.filter(({ told }) => told.status === 200)
    expect(opened.length).toBeGreaterThanOrEqual(2)
    await expect.poll(() => [...gateway.router.sessions().values()]).toEqual([2])
  })
})

describe('limits', () => {
  it('count the streams of 2024-11-05 clients too', async () => {
    const { gateway } = await open({ maxStdioSessions: 2 })
    await follow(`${gateway.url}/sse/local`)
    await follow(`${gateway.url}/sse/local`)
    const { status } = await ask(`${gateway.url}/sse/local`)
    expect(status).toBe(503)
  })

  it('keep a portable session that is used at another instance', async () => {
    const store = openStore()
    const { at } = await open({ maxSessions: 1, touchMs: 20 }, store)
    const other = await open({ touchMs: 20 }, store)
    const { session, headers } = await initialize(at('weather'))
    const id = session as never
    const opened = (await store.sessions.find(id))?.lastActive ?? 0
    await ask(other.at('weather'), { headers, body: ping })
    await listen(other.at('weather'), headers)
    await expect.poll(async () => (await store.sessions.find(id))?.lastActive).not.toBe(opened)
    await expect.poll(async () => (await initialize(at('weather'))).told.status).toBe(503)
  })

  it('refuse a handshake that is too long, in every revision', async () => {
    const { gateway, at } = await open({ maxHandshakeBytes: 2_048 })
    const clientInfo = { name: 'x'.repeat(2_048), version: '1' }
    const body = aRequest(1, 'initialize', { protocolVersion: '2025-06-18', clientInfo })
    const http = await ask(at('local'), { body })
    expect([http.status, jsonOf(http)]).toMatchObject([413, { error: { code: -31413 } }])
    const events = await follow(`${gateway.url}/sse/local`)
    const sse = await ask(gateway.url + (await events.next()).data.toString(), { body })
    expect(sse.status).toBe(413)
    const capabilities = { ...canAnswer, experimental: { x: 'x'.repeat(2_048) } }
    const client = modernClient(at('local'), { capabilities })
    expect((await client.send('tools/list')).status).toBe(413)
  })
})

describe('the process of a session', () => {
  const idle = { idleUpstreamMs: 150, touchMs: 20 }

  it('ends a while after its last use, and the session goes on with another', async () => {
    const { at } = await open(idle)
    const { told, headers } = await initialize(at('local'))
    const pid = pidOf(told)
    await expect.poll(() => isAlive(pid)).toBe(false)
    const answer = await ask(at('local'), { headers, body: ping })
    expect([answer.status, jsonOf(answer)]).toMatchObject([200, { id: 7 }])
  })

  it('lives on while its client listens', async () => {
    const { at } = await open(idle)
    const { told, headers } = await initialize(at('local'))
    const { response } = await listen(at('local'), headers)
    const other = pidOf((await initialize(at('local'))).told)
    await expect.poll(() => isAlive(other)).toBe(false)
    expect(isAlive(pidOf(told))).toBe(true)
    response.destroy()
    await expect.poll(() => isAlive(pidOf(told))).toBe(false)
  })

  it('lives on while a call is under way', async () => {
    const { at } = await open(idle)
    const { told, headers } = await initialize(at('local'))
    const asking = ask(at('local'), { headers, body: aRequest(8, 'hang') })
    asking.catch(() => undefined)
    const other = pidOf((await initialize(at('local'))).told)
    await expect.poll(() => isAlive(other)).toBe(false)
    expect(isAlive(pidOf(told))).toBe(true)
  })

  it('is gone when the next one starts, for a server of which only one can run', async () => {
    const gateway = await openGateway({
      backends: [backendOf('local', [(await openExclusive()).endpoint])],
    })
    const url = `${gateway.url}/mcp/local`
    const ended: Promise<unknown>[] = []
    for (let round = 0; round < 3; round++) {
      const { told, headers } = await initialize(url)
      expect(told.status).toBe(200)
      // Its answer is not waited for.
      ended.push(ask(url, { method: 'DELETE', headers }))
      await expect.poll(() => [...gateway.router.sessions().values()]).toEqual([])
    }
    await Promise.all(ended)
    const said = gateway.events.flatMap((each) => (each.kind === 'stderr' ? [each.line] : []))
    expect(said.filter((line) => line !== 'started')).toEqual([])
  })
})
