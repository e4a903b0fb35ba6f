import { backendOf } from '@mcp-router/testkit/backend'
import { aRequest, ask, follow, jsonOf } from '@mcp-router/testkit/client'
import { openGateway, openStore, requestsOwed } from '@mcp-router/testkit/router'
import { hang, openCommand, childrenOf } from '@mcp-router/testkit/server'
import { describe, expect, it } from 'vitest'

const initialized = { jsonrpc: '2.0', method: 'notifications/initialized' }

describe('the conversation of a client of 2024-11-05', () => {
  const handshake = {
    protocolVersion: '2024-11-05',
    capabilities: {},
    clientInfo: { name: 'c', version: '1' },
  }

  const open = async () => {
    const { endpoint } = await openCommand({ revision: '2024-11-05', on: { hang } })
    const backends = [backendOf('local', [endpoint])]
    const store = openStore()
    const a = await openGateway({ backends, store })
    const b = await openGateway({ backends, store, instance: 'router-instance-2' })
    const streamAt = async (url: string, before?: { readonly lastEventId: string }) => {
      const headers = before && { 'last-event-id': before.lastEventId }
      const events = await follow(`${url}/sse/local?clientId=ada-1`, headers && { headers })
      const first = await events.next()
      const address = new URL(first.data.toString(), url)
      const send = (base: string, body: unknown) =>
        ask(`${base}${address.pathname}${address.search}`, { body })
      const lastEventId = first.id ?? ''
      return { events, send, lastEventId, session: address.searchParams.get('sessionId') }
    }
    return { store, a, b, streamAt }
  }

  it('finds its session again, with what was said meanwhile', async () => {
    const { a, b, streamAt } = await open()
    const first = await streamAt(a.url)
    await first.send(a.url, aRequest(0, 'initialize', handshake))
    expect(await first.events.message()).toMatchObject({ id: 0 })
    await first.send(a.url, initialized)
    first.events.response.destroy()
    const sending = first.send(b.url, aRequest(1, 'echo', { n: 1 }))
    const second = await streamAt(b.url, first)
    expect(second.session).toBe(first.session)
    expect((await sending).status).toBe(202)
    expect(await second.events.message()).toMatchObject({ id: 1, result: { n: 1 } })
  })

  it('is told of what its instance took along: reads are asked again, the rest is unknown', async () => {
    const { store, a, b, streamAt } = await open()
    const first = await streamAt(a.url)
    await first.send(a.url, aRequest(0, 'initialize', handshake))
    await first.events.message()
    await first.send(a.url, initialized)
    await first.send(a.url, aRequest(1, 'hang'))
    const id = first.session as never
    await store.callLog.keep(id, 1, {
      entry: '1.1000000',
      callId: '',
      body: JSON.stringify(aRequest(2, 'tools/list', { n: 2 })),
    })
    await store.membership.leave('router-instance-1' as never)
    const second = await streamAt(b.url, first)
    const told = [await second.events.message(), await second.events.message()]
    expect(told).toMatchObject([
      { id: 1, error: { code: -31001 } },
      { id: 2, result: { n: 2 } },
    ])
    await expect.poll(() => requestsOwed(store, id)).toEqual([])
  })

  it('is told of a batch that its instance took along, too', async () => {
    const { store, a, b, streamAt } = await open()
    const first = await streamAt(a.url)
    await first.send(a.url, aRequest(0, 'initialize', handshake))
    await first.events.message()
    await first.send(a.url, initialized)
    const batch = [aRequest(1, 'hang'), aRequest(2, 'hang')]
    expect((await first.send(a.url, batch)).status).toBe(202)
    await store.membership.leave('router-instance-1' as never)
    const second = await streamAt(b.url, first)
    const told = [await second.events.message(), await second.events.message()]
    expect(told).toMatchObject([1, 2].map((id) => ({ id, error: { code: -31001 } })))
  })

  it('is told the answers of the last moments once more, as nobody knows whether it heard them', async () => {
    const { a, b, streamAt } = await open()
    const first = await streamAt(a.url)
    await first.send(a.url, aRequest(0, 'initialize', handshake))
    await first.events.message()
    await first.send(a.url, initialized)
    for (const id of [1, 2]) await first.send(a.url, aRequest(id, 'echo', { n: id }))
    const heard = [await first.events.message(), await first.events.message()]
    first.events.response.destroy()
    const second = await streamAt(b.url, first)
    expect([await second.events.message(), await second.events.message()]).toEqual(heard)
  })

  it('… and not those of the conversation before, where it initializes once more', async () => {
    const { store, a, streamAt } = await open()
    const first = await streamAt(a.url)
    await first.send(a.url, aRequest(0, 'initialize', handshake))
    await first.events.message()
    await first.send(a.url, aRequest(1, 'echo', { n: 1 }))
    await first.events.message()
    await first.send(a.url, aRequest(2, 'hang'))
    await first.send(a.url, aRequest(0, 'initialize', handshake))
    expect(await first.events.message()).toMatchObject({ id: 2, error: { code: -32600 } })
    expect(await first.events.message()).toMatchObject({ id: 0 })
    await first.send(a.url, aRequest(2, 'echo', { n: 2 }))
    expect(await first.events.message()).toMatchObject({ id: 2, result: { n: 2 } })
    await expect.poll(() => requestsOwed(store, first.session as never)).toEqual([])
    first.events.response.destroy()
    const second = await streamAt(a.url, first)
    await second.send(a.url, aRequest(3, 'echo', { n: 3 }))
    const told = [2, 3].map(() => second.events.message())
    // The handshake and the call since: those alone.
    expect((await Promise.all(told)).map(({ id }) => id)).toEqual([0, 2])
    expect(await second.events.message()).toMatchObject({ id: 3 })
  })

  it('uses one id for all its calls, and gets to each its own answer, also behind its instance', async () => {
    const { store, a, b, streamAt } = await open()
    const first = await streamAt(a.url)
    await first.send(a.url, aRequest(1, 'initialize', handshake))
    await first.events.message()
    await first.send(a.url, initialized)
    for (const n of [1, 2, 3]) {
      await first.send(a.url, aRequest(1, 'echo', { n }))
      expect(await first.events.message()).toMatchObject({ id: 1, result: { n } })
    }
    await store.membership.leave('router-instance-1' as never)
    const second = await streamAt(b.url, first)
    // The last one, once more: nobody knows whether it arrived.
    expect(await second.events.message()).toMatchObject({ id: 1, result: { n: 3 } })
    await second.send(b.url, aRequest(1, 'echo', { n: 4 }))
    expect(await second.events.message()).toMatchObject({ id: 1, result: { n: 4 } })
    second.events.response.destroy()
    const third = await streamAt(b.url, second)
    expect(await third.events.message()).toMatchObject({ id: 1, result: { n: 4 } })
  })

  it('is refused a request whose id is in flight, which runs once', async () => {
    const { a, streamAt } = await open()
    const { events, send } = await streamAt(a.url)
    await send(a.url, aRequest(0, 'initialize', handshake))
    await events.message()
    expect((await send(a.url, aRequest(1, 'hang'))).status).toBe(202)
    for (const body of [aRequest(1, 'echo'), [aRequest(1, 'echo')]]) {
      const refused = await send(a.url, body)
      expect([refused.status, jsonOf(refused)]).toMatchObject([400, { error: { code: -32600 } }])
    }
    await send(a.url, aRequest(2, 'echo'))
    expect(await events.message()).toMatchObject({ id: 2 })
  })

  it('leaves no session and no child when its stream ends before it has begun', async () => {
    const { store, a, b, streamAt } = await open()
    const { events, session } = await streamAt(a.url)
    await expect.poll(() => childrenOf(a.events)).toEqual([true])
    events.response.destroy()
    await expect.poll(() => a.router.sessions().size).toBe(0)
    expect(await store.sessions.find(session as never)).toBeUndefined()
    await expect.poll(() => childrenOf(a.events)).toEqual([false])
    const again = await streamAt(b.url)
    await again.send(b.url, aRequest(0, 'initialize', handshake))
    expect(await again.events.message()).toMatchObject({ id: 0 })
  })

  it('begins anew with another initialize, in a new process', async () => {
    const { a, streamAt } = await open()
    const { events, send } = await streamAt(a.url)
    for (const id of [1, 2]) {
      await send(a.url, aRequest(id, 'initialize', handshake))
      expect(await events.message()).toMatchObject({
        id,
        result: { protocolVersion: '2024-11-05' },
      })
    }
    const started = a.events.filter(
      (event) => event.kind === 'upstream' && event.action === 'opened',
    )
    expect(started).toHaveLength(2)
  })
})
