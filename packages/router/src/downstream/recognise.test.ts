import { aRequest, follow } from '@mcp-router/testkit/client'
import {
  begin,
  cut,
  handshakeOf,
  openGateway,
  openTwo,
  returnTo,
  revision,
  streamAt,
} from '@mcp-router/testkit/router'
import { deadUrl } from '@mcp-router/testkit/server'
import { useConcurrentTests } from '@mcp-router/testkit/test'
import { describe, expect, it } from 'vitest'

useConcurrentTests()

describe('a client that opens its stream again with Last-Event-ID', () => {
  it.each(['local', 'local?clientId=ada'])(
    'finds its session, wherever it comes from, with what was said meanwhile (%s)',
    async (path) => {
      const { a, b } = await openTwo()
      const client = await begin(a, { headers: { 'user-agent': 'one' }, backend: path })
      await cut(a, client)
      const answer = client.send(aRequest(1, 'later', { n: 1 }))
      const headers = { 'user-agent': 'two', 'last-event-id': client.lastEventId }
      const again = await streamAt(b, headers, path)
      expect(again.id).toBe(client.id)
      expect((await answer).status).toBe(202)
      expect(await again.events.message()).toMatchObject({ params: { n: 1 } })
      expect(await again.events.message()).toMatchObject({ id: 1, result: { pid: client.pid } })
    },
  )

  it.each([
    ['by another principal', { 'x-principal': 'eve' }, 'local'],
    ['at another backend', {}, 'other'],
  ])('finds nothing by an event that it names %s', async (_, headers, backend) => {
    const { a } = await openTwo()
    const client = await begin(a)
    const named = { ...headers, 'last-event-id': client.lastEventId, 'user-agent': 'two' }
    expect((await streamAt(a, named, backend)).id).not.toBe(client.id)
  })

  it('finds nothing by an event that it made up', async () => {
    const { a } = await openTwo()
    const [mine, other] = [await begin(a), await begin(a)]
    const id = mine.lastEventId.replace(mine.id, other.id)
    const headers = { 'last-event-id': id, 'user-agent': 'two' }
    expect(id).toContain(other.id)
    expect([mine.id, other.id]).not.toContain((await streamAt(a, headers)).id)
  })
})

describe('a client that answers a ping at the address that it had', () => {
  it.each(['local', 'local?clientId=ada'])(
    'finds its session, here and elsewhere (%s)',
    async (path) => {
      const { a, b } = await openTwo()
      const client = await begin(a, { backend: path })
      await cut(a, client)
      const here = await returnTo(a, client, {}, path)
      await cut(a, here)
      const elsewhere = await returnTo(b, client, {}, path)
      expect([here.id, elsewhere.id]).toEqual([client.id, client.id])
      await elsewhere.send(aRequest(1, 'echo'))
      expect(await elsewhere.events.message()).toMatchObject({ result: { pid: client.pid } })
    },
  )

  it('finds it although its old stream was never seen to close, and that one ends', async () => {
    const { a, b } = await openTwo()
    const client = await begin(a)
    const ended = new Promise((resolve) => client.events.response.once('end', resolve))
    expect((await returnTo(b, client)).id).toBe(client.id)
    await ended
  })

  it('finds it when the instance that held it is gone', async () => {
    const { store, a, b } = await openTwo()
    const client = await begin(a)
    await store.membership.leave('router-instance-1' as never)
    // Its instance answers still, as whoever passes messages on does not know yet.
    const again = await returnTo(b, client)
    expect(again.id).toBe(client.id)
    expect(await store.sessions.find(client.id)).toMatchObject({
      instance: 'router-instance-2',
      epoch: 2,
    })
  })

  it('finds it when the port of that instance refuses, though its lease lasts', async () => {
    const { store, a, b } = await openTwo()
    const client = await begin(a)
    await cut(a, client)
    const id = 'router-instance-1' as never
    const address = (await deadUrl()).replace('/mcp', '')
    await store.membership.join({ id, address, pid: 1, startedAt: 1, sessions: 0 }, { evict: true })
    expect((await returnTo(b, client)).id).toBe(client.id)
    expect(await store.sessions.find(client.id)).toMatchObject({ epoch: 2 })
  })

  it('takes along what waits for it at an instance that it does not come back to', async () => {
    const { store, a, b } = await openTwo()
    const client = await begin(a)
    await cut(a, client)
    const answer = client.send(aRequest(1, 'echo', { n: 1 }))
    await expect.poll(() => a.router.calls()).toBeGreaterThan(0)
    const id = 'router-instance-1' as never
    const address = (await deadUrl()).replace('/mcp', '')
    await store.membership.join({ id, address, pid: 1, startedAt: 1, sessions: 0 }, { evict: true })
    const again = await returnTo(b, client)
    // What the broadcast of the other one comes to.
    await a.router.forget(client.id)
    expect((await answer).status).toBe(202)
    expect(await again.events.message()).toMatchObject({ id: 1, result: {} })
  })

  it('finds it when that instance was started anew under its name', async () => {
    const { backends, store, a, b } = await openTwo()
    const client = await begin(a)
    const id = 'router-instance-1' as never
    const { url: address } = await openGateway({ backends, store, instance: id })
    const startedAt = Date.now() + 1
    await store.membership.join({ id, address, pid: 2, startedAt, sessions: 0 }, { evict: true })
    expect((await returnTo(b, client)).id).toBe(client.id)
  })

  it('finds it where the store has just lost the note of its stream', async () => {
    const { backends, store, a } = await openTwo()
    const client = await begin(a)
    await cut(a, client)
    let generation = 'before'
    const emptied = {
      ...store,
      generation: () => Promise.resolve(generation),
      orphans: { ...store.orphans, find: () => Promise.resolve([]) },
    }
    const b = await openGateway({ backends, store: emptied, instance: 'router-instance-3' })
    generation = 'after'
    expect((await returnTo(b, client)).id).toBe(client.id)
  })

  it('is asked again where its answer was lost on the way', async () => {
    const { a } = await openTwo()
    const client = await begin(a)
    await cut(a, client)
    const events = await follow(`${a.url}/sse/local`, { headers: revision })
    const lost = await events.message()
    const ping = await events.message()
    expect([lost, ping]).toEqual([ping, expect.objectContaining({ method: 'ping' })])
    await client.send({ jsonrpc: '2.0', id: ping['id'], result: {} }, revision)
    expect((await events.next()).data.toString()).toContain(client.id)
  })

  it('finds its own of several that look the same', async () => {
    const { a } = await openTwo()
    const both = [await begin(a), await begin(a)]
    for (const each of both) await cut(a, each)
    const back = await Promise.all(both.toReversed().map((each) => returnTo(a, each)))
    expect(back.map(({ id }) => id)).toEqual(both.toReversed().map(({ id }) => id))
  })

  it('finds nothing with the address of another principal', async () => {
    const { a } = await openTwo()
    const victim = await begin(a, { headers: { 'x-principal': 'ada' } })
    const eve = { 'x-principal': 'eve' }
    // So that there is a session of eve's looks.
    await begin(a, { headers: eve })
    const stolen = {
      send: (body: unknown) => victim.send(body, eve),
    }
    expect((await returnTo(a, stolen, eve)).id).not.toBe(victim.id)
  })
})

describe.concurrent('a client that proves nothing', () => {
  it.each([
    ['the same client id', 'local?clientId=ada', {}],
    ['the same client id and its revision', 'local?clientId=ada', revision],
    ['the same address and User-Agent', 'local', {}],
    ['the same address, User-Agent and revision', 'local', revision],
  ])('gets a session of its own, and no answer of another one: %s', async (_, path, headers) => {
    const { a } = await openTwo()
    const victim = await begin(a, { backend: path })
    await cut(a, victim)
    const waiting = victim.send(aRequest(1, 'later', { secret: 1 }))
    const events = await follow(`${a.url}/sse/${path}`, { headers })
    const read: { event: string; text: string }[] = []
    while (read.at(-1)?.event !== 'endpoint') {
      const { event, data } = await events.next()
      read.push({ event, text: data.toString() })
    }
    expect(read.at(-1)?.text).not.toContain(victim.id)
    expect(JSON.stringify(read)).not.toContain('secret')
    const again = await streamAt(a, { 'last-event-id': victim.lastEventId }, path)
    expect(again.id).toBe(victim.id)
    expect((await waiting).status).toBe(202)
    expect(await again.events.message()).toMatchObject({ params: { secret: 1 } })
  })

  it('does not end the stream of a living client that gave the same id', async () => {
    const { a } = await openTwo()
    const path = 'local?clientId=ada'
    const one = await begin(a, { backend: path })
    const other = await begin(a, { backend: path })
    expect(other.id).not.toBe(one.id)
    for (const client of [one, other, one, other]) {
      await client.send(aRequest(1, 'echo'))
      expect(await client.events.message()).toMatchObject({ id: 1, result: { pid: client.pid } })
    }
  })

  it('gets the handshake that all of its fingerprint had made', async () => {
    const { a } = await openTwo()
    const [one, other] = [await begin(a), await begin(a)]
    await cut(a, one)
    await cut(a, other)
    const again = await streamAt(a)
    expect([one.id, other.id]).not.toContain(again.id)
    await again.send(aRequest(5, 'hello'))
    expect(await again.events.message()).toMatchObject({ id: 5, result: handshakeOf('c') })
    expect(await a.store.sessions.find(again.id)).toMatchObject({ revision: '2025-06-18' })
  })

  it('gets a handshake of the router where theirs differed', async () => {
    const { a } = await openTwo()
    await begin(a, { name: 'one' })
    await begin(a, { name: 'other' })
    const again = await streamAt(a)
    await again.send(aRequest(5, 'hello'), revision)
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
    const { a } = await openTwo()
    const client = await streamAt(a)
    await Promise.all([1, 2, 3].map((id) => client.send(aRequest(id, 'hello'))))
    for (let n = 0; n < 3; n++)
      expect(await client.events.message()).toMatchObject({
        result: { protocolVersion: '2024-11-05', clientInfo: { name: 'mcp-router' } },
      })
  })
})

describe('a client that names the revision of a handshake, and whose session is gone', () => {
  it('has that handshake made in its new session at once, which survives its instance so', async () => {
    const { store, a, b } = await openTwo()
    const client = await streamAt(a, revision)
    const initialize = async () => (await store.sessions.find(client.id))?.initialize
    await expect.poll(initialize).toContain('2025-06-18')
    await a.router.drain(0)
    const headers = { 'last-event-id': client.lastEventId }
    const again = await streamAt(b, headers)
    expect(again.id).toBe(client.id)
    await again.send(aRequest(1, 'echo', { n: 1 }))
    expect(await again.events.message()).toMatchObject({ id: 1 })
  })

  it('and one that names none is waited for', async () => {
    const { store, a } = await openTwo()
    const client = await streamAt(a)
    expect((await store.sessions.find(client.id))?.initialize).toBe('')
  })
})
