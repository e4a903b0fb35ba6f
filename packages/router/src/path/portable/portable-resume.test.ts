import { EventEmitter, once } from 'node:events'
import { backendOf, httpEndpoint } from '@mcp-router/testkit/backend'
import { aRequest, ask, follow, initialize, jsonOf } from '@mcp-router/testkit/client'
import type { Events } from '@mcp-router/testkit/client'
import { openGateway, openStore } from '@mcp-router/testkit/router'
import { openEndpoint } from '@mcp-router/testkit/server'
import { describe, expect, it } from 'vitest'
import { markOfSession } from './portable-replays.js'

const done = { id: 1, result: { done: true } }

/** Two Instances that share a session of 2025-11-25, whose server begins a stream, and answers when `go` says so. */
const open = async (deadlineMs = 10_000) => {
  const server = new EventEmitter()
  const going = once(server, 'go')
  const endpoint = await openEndpoint(({ res, message }) => {
    res.writeHead(200, { 'content-type': 'text/event-stream' })
    res.flushHeaders()
    const answer = JSON.stringify({ jsonrpc: '2.0', id: message.id, result: { done: true } })
    if (message.method === 'tools/list') res.end(`data: ${answer}\n\n`)
    else void going.then(() => res.end(`data: ${answer}\n\n`))
  })
  const backends = [backendOf('web', [httpEndpoint(endpoint.url)], deadlineMs)]
  const store = openStore()
  const [one, other] = await Promise.all(
    ['router-instance-1', 'router-instance-2'].map((instance) =>
      openGateway({ backends, store, instance }),
    ),
  )
  const { headers, session } = await initialize(`${one!.url}/mcp/web`)
  await store.sessions.update(session as never, 0, { revision: '2025-11-25' })
  await one!.router.forget(session as never)
  const urls = [one!, other!].map(({ url }) => `${url}/mcp/web`)
  const resume = (at: 0 | 1, lastEventId: string) =>
    follow(urls[at]!, { headers: { ...headers, 'last-event-id': lastEventId } })
  const call = () =>
    follow(urls[0]!, {
      headers: { ...headers, accept: 'application/json, text/event-stream' },
      body: aRequest(1, 'do'),
    })
  const log = (body: object) =>
    store.callLog.keep(session as never, 0, {
      entry: goneStream(session),
      callId: '',
      body: JSON.stringify(body),
    })
  const logged = () => store.callLog.entries(session as never)
  const go = () => server.emit('go')
  const gone = `${goneStream(session)}:3`
  return { endpoint, headers, urls, url: urls[0]!, resume, call, go, log, logged, gone }
}

/** Of an instance that nobody knows, the first stream, which answers request 1. */
const goneStream = (session: string) => {
  const instance = Buffer.from('router-instance-9').toString('base64url')
  return `${instance}.0123abcd.${markOfSession('secret', session as never)}~1.MQ`
}

const idOf = async (events: Events) => String((await events.next()).id)

describe('the stream of a call', () => {
  it.each([0, 1] as const)(
    'is carried on by the instance that has it (asked at %i)',
    async (at) => {
      const { endpoint, call, resume, go } = await open()
      const cut = await call()
      const id = await idOf(cut)
      cut.response.destroy()
      const resumed = await resume(at, id)
      expect(await idOf(resumed)).toBe(id)
      go()
      expect(await resumed.message()).toMatchObject(done)
      expect(endpoint.by('do')).toHaveLength(1)
    },
  )

  it.each([0, 1] as const)('has the deadline of any call (asked at %i)', async (at) => {
    const { endpoint, call, resume } = await open(1_000)
    const cut = await call()
    const id = await idOf(cut)
    cut.response.destroy()
    const resumed = await resume(at, id)
    expect(await idOf(resumed)).toBe(id)
    expect(await resumed.message()).toMatchObject({ id: 1, error: { code: -31504 } })
    await expect.poll(() => endpoint.by('notifications/cancelled')).toHaveLength(1)
  })

  it('that is over for its client is not to be asked for again', async () => {
    const { headers, url, call, go } = await open()
    const events = await call()
    await events.next()
    go()
    const lastEventId = await idOf(events)
    const accept = 'text/event-stream'
    const told = await ask(url, { headers: { ...headers, accept, 'last-event-id': lastEventId } })
    expect([told.status, told.text]).toEqual([204, ''])
  })
})

describe('the stream of a call whose instance is gone', () => {
  it('ends with the answer that was kept', async () => {
    const { endpoint, resume, log, logged, gone } = await open()
    await log({ jsonrpc: '2.0', ...done })
    expect(await (await resume(1, gone)).message()).toMatchObject(done)
    expect(endpoint.by('do')).toEqual([])
    await expect.poll(logged).toEqual([])
  })

  it('goes on with the same call, made once more, where that may run twice', async () => {
    const { endpoint, resume, go, log, gone } = await open()
    await log(aRequest(1, 'resources/read', { uri: 'a:b' }))
    const resumed = await resume(1, gone)
    expect(await idOf(resumed)).toMatch(/~1\.MQ:0$/)
    go()
    expect(await resumed.message()).toMatchObject(done)
    expect(endpoint.by('resources/read')).toHaveLength(1)
  })

  it('has the deadline of any call once it is made again', async () => {
    const { resume, log, gone } = await open(500)
    await log(aRequest(1, 'resources/read', { uri: 'a:b' }))
    const resumed = await resume(1, gone)
    await idOf(resumed)
    expect(await resumed.message()).toMatchObject({ id: 1, error: { code: -31504 } })
  })

  it('ends with what is known, where that may not', async () => {
    const { endpoint, resume, log, gone } = await open()
    await log(aRequest(1, 'tools/call', { name: 'append' }))
    const told = await (await resume(1, gone)).message()
    const data = { tool: 'append', repeated: false }
    expect(told).toMatchObject({ id: 1, error: { code: -31001, data } })
    expect(endpoint.by('tools/call')).toEqual([])
  })

  it('ends with what is known, where nobody is left to say whether that may', async () => {
    const { endpoint, resume, log, gone } = await open()
    await log(aRequest(1, 'tools/call', { name: 'append' }))
    await endpoint.shut()
    const told = await (await resume(1, gone)).message()
    expect(told).toMatchObject({ id: 1, error: { code: -31001, data: { tool: 'append' } } })
  })

  it('ends with what is known, where only a later call of the same id was noted', async () => {
    const { resume, log, gone } = await open()
    await log({ jsonrpc: '2.0', ...done })
    const earlier = gone.replace('~1.', '~0.')
    const told = await (await resume(0, earlier)).message()
    expect(told).toMatchObject({ id: 1, error: { code: -31001 } })
  })

  it('ends with what is known, where nothing was noted', async () => {
    const { resume, gone } = await open()
    const told = await (await resume(0, gone)).message()
    expect(told).toMatchObject({ id: 1, error: { code: -31001, data: { repeated: false } } })
  })
})

describe('the stream of a call of another session', () => {
  it.each([0, 1] as const)('is refused, whether its instance lives or not (%i)', async (at) => {
    const { urls, headers, call, gone } = await open()
    const other = await initialize(urls[0]!)
    const accept = 'text/event-stream'
    const come = (session: object, lastEventId: string) =>
      ask(urls[at]!, { headers: { ...session, accept, 'last-event-id': lastEventId } })
    const live = await idOf(await call())
    const unmarked = gone.replace(/\.[\w-]{12}~/, '~')
    const refused = { error: { code: -32600, message: expect.stringContaining('Last-Event-ID') } }
    for (const id of [live, gone])
      expect(jsonOf(await come(other.headers, id))).toMatchObject(refused)
    const made = await come(headers, unmarked)
    expect([made.status, jsonOf(made)]).toMatchObject([400, refused])
  })
})
