import { describe, expect, it } from 'vitest'
import { aRequest } from '../testing/client.js'
import { openGateway } from '../testing/gateway.js'
import { begin, cut, handshakeOf, openTwo, revision, streamAt } from '../testing/sse-client.js'

describe('a client that opens its stream again', () => {
  it('finds its session by its last event, wherever it comes from, with what was said meanwhile', async () => {
    const { a, b } = await openTwo()
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

  it('finds its session as the only orphan of its looks, here and elsewhere', async () => {
    const { a, b } = await openTwo()
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
    const { store, a, b } = await openTwo()
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
    const { backends, store, a, b } = await openTwo()
    const client = await begin(a)
    const id = 'router-instance-1' as never
    const { url: address } = await openGateway({ backends, store, instance: id })
    const startedAt = Date.now() + 1
    await store.membership.join({ id, address, pid: 2, startedAt, sessions: 0 }, { evict: true })
    expect((await streamAt(b, revision)).id).toBe(client.id)
  })

  it('does not find one whose client still listens', async () => {
    const { a, b } = await openTwo()
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
    const { a } = await openTwo()
    const client = await begin(a)
    await cut(a, client)
    expect((await streamAt(a, headers)).id).not.toBe(client.id)
    expect((await streamAt(a, revision)).id).toBe(client.id)
  })
})

describe('a client that cannot be told from another', () => {
  it('gets neither session, and the handshake that both had made', async () => {
    const { a } = await openTwo()
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
    const { a } = await openTwo()
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
    const { a } = await openTwo()
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
    const { a } = await openTwo()
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
    const { a } = await openTwo()
    const client = await begin(a, silent)
    await cut(a, client)
    const answer = client.send(aRequest(1, 'echo'))
    const again = await streamAt(a)
    await answer
    expect(await again.events.message()).toMatchObject({ id: 1, result: { pid: client.pid } })
  })

  it('has nothing told to one that was just started and looks like it', async () => {
    const { a } = await openTwo()
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
