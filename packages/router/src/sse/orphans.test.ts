import { backendOf, httpEndpoint } from '@mcp-router/testkit/backend'
import { aRequest, ask } from '@mcp-router/testkit/client'
import {
  begin,
  cut,
  handshakeOf,
  openGateway,
  openStore,
  openTwo,
  requestsOwed,
  returnTo,
  revision,
  streamAt,
} from '@mcp-router/testkit/router'
import { deadUrl, openEndpoint } from '@mcp-router/testkit/server'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { maxOrphans } from './orphans.js'

describe('a session whose stream has closed', () => {
  const fakeTimes = () => {
    vi.useFakeTimers({ toFake: ['performance', 'setInterval', 'clearInterval'] })
    onTestFinished(() => void vi.useRealTimers())
  }

  it('ends when its client does not come back in time, and its server with it', async () => {
    fakeTimes()
    const { a } = await openTwo()
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

  it('ends before its time when too many wait, the oldest first', async () => {
    const { url } = await openEndpoint()
    const gateway = await openGateway({ backends: [backendOf('local', [httpEndpoint(url)])] })
    const oldest = await begin(gateway)
    await cut(gateway, oldest)
    for (let n = 1; n < maxOrphans; n++) await cut(gateway, await begin(gateway))
    expect(gateway.ended).toEqual([])
    await cut(gateway, await begin(gateway))
    await expect.poll(() => gateway.ended).toEqual([oldest.id])
  }, 60_000)

  it('is found by its client though the instance that lost it has noticed', async () => {
    fakeTimes()
    const { store, a, b } = await openTwo()
    const client = await begin(a)
    await cut(a, client)
    const id = 'router-instance-1' as never
    const address = (await deadUrl()).replace('/mcp', '')
    await store.membership.join({ id, address, pid: 1, startedAt: 1, sessions: 0 }, { evict: true })
    const body = aRequest(1, 'echo')
    const waiting = ask(`${b.url}/mcp/local/message?sessionId=${client.id}`, { body })
    await expect
      .poll(async () => (await store.sessions.find(client.id))?.instance)
      .toBe('router-instance-2')
    // What the broadcast of the other one comes to.
    await a.router.forget(client.id)
    await vi.advanceTimersByTimeAsync(5_000)
    expect((await returnTo(b, client)).id).toBe(client.id)
    expect((await waiting).status).toBe(202)
  })

  it('does not end when its client came back', async () => {
    fakeTimes()
    const { a } = await openTwo()
    const client = await begin(a)
    await cut(a, client)
    await streamAt(a, { 'last-event-id': client.lastEventId })
    await vi.advanceTimersByTimeAsync(120_000)
    expect(a.ended).toEqual([])
  })

  it('takes no message whose answer it could not tell', async () => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] })
    onTestFinished(() => void vi.useRealTimers())
    const { a } = await openTwo()
    const client = await begin(a)
    const told = { closed: 0 }
    client.events.response.destroy()
    await vi.waitUntil(() => a.events.some((e) => e.kind === 'stream' && e.action === 'closed'))
    const answer = client.send(aRequest(1, 'echo'), revision).then(({ status, text }) => {
      told.closed++
      return { status, text }
    })
    await vi.waitUntil(
      async () => {
        await vi.advanceTimersByTimeAsync(1_000)
        return told.closed > 0
      },
      { timeout: 10_000, interval: 5 },
    )
    expect(await answer).toMatchObject({
      status: 400,
      text: expect.stringContaining('not passed on') as string,
    })
  })
})

describe('a message that is sent again by whoever passes it on', () => {
  it('is taken once', async () => {
    const { a } = await openTwo()
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
    const { store, a, b } = await openTwo()
    const client = await begin(a)
    await client.send(aRequest(7, 'hang'), { 'x-request-id': 'r-7' })
    await store.membership.leave('router-instance-1' as never)
    const again = await streamAt(b, { 'last-event-id': client.lastEventId })
    expect(await again.events.message()).toMatchObject({ id: 7, error: { code: -31001 } })
    const repeated = await again.send(aRequest(7, 'hang'), { 'x-request-id': 'r-7' })
    expect(repeated.status).toBe(202)
    expect(await requestsOwed(store, client.id)).toEqual([])
    // A client may use one id for all its requests: this is another one, which runs.
    const other = await again.send(aRequest(7, 'hang'), { 'x-request-id': 'r-8' })
    expect(other.status).toBe(202)
    expect(await requestsOwed(store, client.id)).toEqual(['7'])
  })
})

describe('a message whose answer is awaited', () => {
  it('is noted before it is accepted, and before it is sent where it may not run twice', async () => {
    const store = openStore()
    let write = (): void => undefined
    const written = new Promise<void>((resolve) => (write = resolve))
    const keep: typeof store.callLog.keep = async (...call) => {
      await written
      return store.callLog.keep(...call)
    }
    const slow = { ...store, callLog: { ...store.callLog, keep } }
    const { url } = await openEndpoint()
    const backends = [backendOf('local', [httpEndpoint(url)])]
    const client = await streamAt(await openGateway({ backends, store: slow }))
    const accepted: number[] = []
    const send = async (id: number, method: string): Promise<void> => {
      await client.send(aRequest(id, method, handshakeOf('c')))
      accepted.push(id)
    }
    const sent = [send(0, 'initialize')]
    expect(await client.events.message()).toMatchObject({ id: 0 })
    sent.push(send(1, 'echo'))
    sent.push(send(2, 'ping'))
    expect(await client.events.message()).toMatchObject({ id: 2 })
    expect(accepted).toEqual([])
    write()
    expect(await client.events.message()).toMatchObject({ id: 1 })
    await Promise.all(sent)
  })
})
