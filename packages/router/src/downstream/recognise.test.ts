import type { SessionId } from '@mcp-router/core'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { backendOf, nodeEndpoint } from '../testing/backend.js'
import { aRequest, ask, follow } from '../testing/client.js'
import { openGateway, openStore } from '../testing/gateway.js'
import type { TestGateway } from '../testing/gateway.js'

/** Refuses all that comes before `initialize`; `hello` tells its params, `later` is answered twice, `hang` never. */
const strict = `
  let opening
  const send = (message) => console.log(JSON.stringify({ jsonrpc: '2.0', ...message }))
  const read = require('node:readline').createInterface({ input: process.stdin })
  read.on('line', (line) => {
    const { id, method, params } = JSON.parse(line)
    if (id === undefined || method === 'hang') return
    if (method === 'initialize') opening = params
    if (!opening) return send({ id, error: { code: -32000, message: 'not initialized' } })
    const { protocolVersion } = params ?? {}
    if (method === 'initialize') return send({ id, result: { protocolVersion, capabilities: {}, pid: process.pid } })
    if (method === 'later') send({ method: 'notifications/said', params })
    send({ id, result: method === 'hello' ? opening : { pid: process.pid } })
  })`

const revision = { 'mcp-protocol-version': '2025-06-18' }
const handshakeOf = (name: string) => ({
  protocolVersion: '2025-06-18',
  capabilities: {},
  clientInfo: { name, version: '1' },
})

const open = async () => {
  const backends = ['local', 'other'].map((name) => backendOf(name, [nodeEndpoint(strict)]))
  const store = openStore()
  const a = await openGateway({ backends, store })
  const b = await openGateway({ backends, store, instance: 'router-instance-2' })
  return { backends, store, a, b }
}

/** Opens the stream of a client that looks as its headers say. */
const streamAt = async (gateway: TestGateway, headers = {}, backend = 'local') => {
  const events = await follow(`${gateway.url}/sse/${backend}`, { headers })
  const first = await events.next()
  const address = new URL(first.data.toString())
  const id = (address.searchParams.get('sessionId') ?? '') as SessionId
  const send = (body: unknown, more = {}) =>
    ask(address.href, { headers: { ...headers, ...more }, body })
  return { events, id, lastEventId: first.id ?? '', send }
}
type Client = Awaited<ReturnType<typeof streamAt>>

/** Opens one and does its handshake, from whose end on it names the revision, or never. */
const begin = async (gateway: TestGateway, { headers = {}, name = 'c', later = revision } = {}) => {
  const client = await streamAt(gateway, headers)
  await client.send(aRequest(0, 'initialize', handshakeOf(name)))
  const { result } = await client.events.message()
  await client.send({ jsonrpc: '2.0', method: 'notifications/initialized' }, later)
  return { ...client, pid: (result as { pid: number }).pid }
}

/** cut breaks the stream and waits until its Instance knows. */
const cut = async (gateway: TestGateway, { events }: Client): Promise<void> => {
  const closed = () =>
    gateway.events.filter((each) => each.kind === 'stream' && each.action === 'closed').length
  const before = closed()
  events.response.destroy()
  await expect.poll(closed).toBe(before + 1)
}

describe('a client that opens its stream again', () => {
  it('finds its session by its last event, wherever it comes from, with what was said meanwhile', async () => {
    const { a, b } = await open()
    const client = await begin(a, { headers: { 'user-agent': 'one' } })
    await cut(a, client)
    const answer = client.send(aRequest(1, 'later', { n: 1 }))
    const headers = { 'user-agent': 'two', 'last-event-id': client.lastEventId }
    const again = await streamAt(b, headers)
    expect(again.id).toBe(client.id)
    expect((await answer).status).toBe(202)
    expect(await again.events.message()).toMatchObject({ params: { n: 1 } })
    expect(await again.events.message()).toMatchObject({ id: 1, result: { pid: client.pid } })
  })

  it.each([
    ['by another principal', { 'x-principal': 'eve' }, 'local'],
    ['at another backend', {}, 'other'],
  ])('finds nothing by an event that it names %s', async (_, headers, backend) => {
    const { a } = await open()
    const client = await begin(a)
    const named = { ...headers, 'last-event-id': client.lastEventId, 'user-agent': 'two' }
    expect((await streamAt(a, named, backend)).id).not.toBe(client.id)
  })

  it('finds nothing by an event that it made up', async () => {
    const { a } = await open()
    const [mine, other] = [await begin(a), await begin(a)]
    const id = mine.lastEventId.replace(mine.id, other.id)
    const headers = { 'last-event-id': id, 'user-agent': 'two' }
    expect(id).toContain(other.id)
    expect([mine.id, other.id]).not.toContain((await streamAt(a, headers)).id)
  })

  it('finds its session as the only orphan of its looks, here and elsewhere', async () => {
    const { a, b } = await open()
    const client = await begin(a)
    await cut(a, client)
    const here = await streamAt(a, revision)
    await cut(a, here)
    const elsewhere = await streamAt(b, revision)
    expect([here.id, elsewhere.id]).toEqual([client.id, client.id])
    await elsewhere.send(aRequest(1, 'echo'))
    expect(await elsewhere.events.message()).toMatchObject({ result: { pid: client.pid } })
  })

  it('finds it when the instance that held it is gone, though its stream was never seen to close', async () => {
    const { store, a, b } = await open()
    const client = await begin(a)
    await store.membership.leave('router-instance-1' as never)
    const again = await streamAt(b, revision)
    expect(again.id).toBe(client.id)
    expect(await store.sessions.find(client.id)).toMatchObject({
      instance: 'router-instance-2',
      epoch: 2,
    })
  })

  it('finds it when that instance was started anew under its name', async () => {
    const { backends, store, a, b } = await open()
    const client = await begin(a)
    const id = 'router-instance-1' as never
    const { url: address } = await openGateway({ backends, store, instance: id })
    const startedAt = Date.now() + 1
    await store.membership.join({ id, address, pid: 2, startedAt, sessions: 0 }, { evict: true })
    expect((await streamAt(b, revision)).id).toBe(client.id)
  })

  it('does not find one whose client still listens', async () => {
    const { a, b } = await open()
    const client = await begin(a)
    expect((await streamAt(a, revision)).id).not.toBe(client.id)
    expect((await streamAt(b, revision)).id).not.toBe(client.id)
  })

  it.each([
    ['another User-Agent', { ...revision, 'user-agent': 'two' }],
    ['another address', { ...revision, 'x-forwarded-for': '192.0.2.1' }],
    ['another principal', { ...revision, 'x-principal': 'eve' }],
    ['another revision', { 'mcp-protocol-version': '2025-11-25' }],
    ['no revision yet, as one that has just been started', {}],
  ])('is not recognised with %s', async (_, headers) => {
    const { a } = await open()
    const client = await begin(a)
    await cut(a, client)
    expect((await streamAt(a, headers)).id).not.toBe(client.id)
    expect((await streamAt(a, revision)).id).toBe(client.id)
  })
})

describe('a client that cannot be told from another', () => {
  it('gets neither session, and the handshake that both had made', async () => {
    const { a } = await open()
    const [one, other] = [await begin(a), await begin(a)]
    await cut(a, one)
    await cut(a, other)
    const again = await streamAt(a, revision)
    expect([one.id, other.id]).not.toContain(again.id)
    await again.send(aRequest(5, 'hello'))
    expect(await again.events.message()).toMatchObject({ id: 5, result: handshakeOf('c') })
    expect(await a.store.sessions.find(again.id)).toMatchObject({ revision: '2025-06-18' })
  })

  it('gets a handshake of the router where theirs differed', async () => {
    const { a } = await open()
    const [one, other] = [await begin(a, { name: 'one' }), await begin(a, { name: 'other' })]
    await cut(a, one)
    await cut(a, other)
    const again = await streamAt(a, revision)
    await again.send(aRequest(5, 'hello'))
    expect(await again.events.message()).toMatchObject({
      id: 5,
      result: {
        protocolVersion: '2025-06-18',
        capabilities: {},
        clientInfo: { name: 'mcp-router' },
      },
    })
  })

  it('shakes hands once, however much it sends at once', async () => {
    const { a } = await open()
    const client = await streamAt(a)
    await Promise.all([1, 2, 3].map((id) => client.send(aRequest(id, 'hello'))))
    for (let n = 0; n < 3; n++)
      expect(await client.events.message()).toMatchObject({
        result: { protocolVersion: '2024-11-05', clientInfo: { name: 'mcp-router' } },
      })
  })
})

describe('a client that never says which revision it speaks', () => {
  const silent = { later: {} }

  it('is recognised by its looks, and told what it missed with its next message', async () => {
    const { a } = await open()
    const client = await begin(a, silent)
    await cut(a, client)
    const answer = client.send(aRequest(1, 'echo'))
    const again = await streamAt(a)
    await again.send(aRequest(2, 'echo'))
    expect([again.id, (await answer).status]).toEqual([client.id, 202])
    const told = [await again.events.message(), await again.events.message()]
    expect(told.map(({ id }) => id).toSorted()).toEqual([1, 2])
  })

  it('is told what it missed after a moment, where it has nothing to say', async () => {
    const { a } = await open()
    const client = await begin(a, silent)
    await cut(a, client)
    const answer = client.send(aRequest(1, 'echo'))
    const again = await streamAt(a)
    await answer
    expect(await again.events.message()).toMatchObject({ id: 1, result: { pid: client.pid } })
  })

  it('has nothing told to one that was just started and looks like it', async () => {
    const { a } = await open()
    const client = await begin(a, silent)
    await cut(a, client)
    const answer = client.send(aRequest(1, 'later', { secret: 1 }))
    const other = await begin(a, silent)
    expect(other.pid).not.toBe(client.pid)
    await other.send(aRequest(2, 'echo'))
    expect(await other.events.message()).toMatchObject({ id: 2, result: { pid: other.pid } })
    expect((await answer).status).toBe(400)
  })
})

describe('a session whose stream has closed', () => {
  const fakeTimes = () => {
    vi.useFakeTimers({ toFake: ['performance', 'setInterval', 'clearInterval'] })
    onTestFinished(() => void vi.useRealTimers())
  }

  it('ends when its client does not come back in time, and its server with it', async () => {
    fakeTimes()
    const { a } = await open()
    const client = await begin(a)
    await cut(a, client)
    await vi.advanceTimersByTimeAsync(55_000)
    expect(a.ended).toEqual([])
    await vi.advanceTimersByTimeAsync(10_000)
    await expect.poll(() => a.ended).toEqual([client.id])
    await expect
      .poll(() => a.events.filter((each) => each.kind === 'upstream').map(({ action }) => action))
      .toEqual(['opened', 'closed'])
    expect(await a.store.sessions.find(client.id)).toBeUndefined()
  })

  it('does not end when its client came back', async () => {
    fakeTimes()
    const { a } = await open()
    const client = await begin(a)
    await cut(a, client)
    await streamAt(a, revision)
    await vi.advanceTimersByTimeAsync(120_000)
    expect(a.ended).toEqual([])
  })

  it('takes no message whose answer it could not tell', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    onTestFinished(() => void vi.useRealTimers())
    const { a } = await open()
    const client = await begin(a)
    const told = { closed: 0 }
    client.events.response.destroy()
    await vi.waitUntil(() => a.events.some((e) => e.kind === 'stream' && e.action === 'closed'))
    const answer = client.send(aRequest(1, 'echo'), revision).then(({ status, text }) => {
      told.closed++
      return { status, text }
    })
    await vi.waitUntil(async () => {
      await vi.advanceTimersByTimeAsync(1_000)
      return told.closed > 0
    })
    expect(await answer).toMatchObject({
      status: 400,
      text: expect.stringContaining('not passed on') as string,
    })
  })
})

describe('a message that is sent again by whoever passes it on', () => {
  it('is taken once', async () => {
    const { a } = await open()
    const client = await begin(a)
    const named = { 'x-request-id': 'r-1' }
    const twice = [1, 2].map(() => client.send(aRequest(1, 'later', { n: 1 }), named))
    expect((await Promise.all(twice)).map(({ status }) => status)).toEqual([202, 202])
    await client.send(aRequest(2, 'echo'))
    const next = () => client.events.message()
    expect([await next(), await next(), await next()]).toMatchObject([
      { params: { n: 1 } },
      { id: 1 },
      { id: 2 },
    ])
  })

  it('is not executed by a successor that has just told its outcome as unknown', async () => {
    const { store, a, b } = await open()
    const client = await begin(a)
    await client.send(aRequest(7, 'hang'), { 'x-request-id': 'r-7' })
    await store.membership.leave('router-instance-1' as never)
    const again = await streamAt(b, revision)
    expect(await again.events.message()).toMatchObject({ id: 7, error: { code: -31001 } })
    const repeated = await again.send(aRequest(7, 'echo'), { 'x-request-id': 'r-7' })
    expect(repeated.status).toBe(202)
    const same = await again.send(aRequest(7, 'hang'), { 'x-request-id': 'r-8' })
    expect(same.status).toBe(202)
    await expect.poll(() => store.journal.owed(client.id)).toEqual([])
  })
})
