import { setTimeout as wait } from 'node:timers/promises'
import { RouterError } from '@mcp-router/core'
import { backendOf, httpEndpoint } from '@mcp-router/testkit/backend'
import { aRequest, follow } from '@mcp-router/testkit/client'
import { cut, handshakeOf, openGateway, openStore, streamAt } from '@mcp-router/testkit/router'
import { openCommand, echo, openEndpoint } from '@mcp-router/testkit/server'
import type { Asked } from '@mcp-router/testkit/server'
import { expect, it, vi } from 'vitest'

/** A client of 2024-11-05 that gives all its requests the id 1, after its first call, at the first of two instances. */
const open = async (answer = echo, storeBudgetMs = 5_000) => {
  const endpoint = await openEndpoint(answer)
  const backends = [backendOf('web', [httpEndpoint(endpoint.url)])]
  const store = openStore()
  const a = await openGateway({ backends, store, storeBudgetMs })
  const b = await openGateway({ backends, store, instance: 'router-instance-2' })
  const client = await streamAt(a, {}, 'web')
  await client.send(aRequest(0, 'initialize', handshakeOf('c')))
  await client.events.message()
  await client.send({ jsonrpc: '2.0', method: 'notifications/initialized' })
  await client.send(aRequest(1, 'echo', { n: 1 }), { 'x-request-id': 'r-1' })
  const first = await client.events.next()
  expect(String(first.data)).toContain('"n":1')
  const lost = () => store.membership.leave('router-instance-1' as never)
  const post = (at: { readonly url: string }, n: number, requestId = `r-${n}`) =>
    fetch(`${at.url}/mcp/web/message?sessionId=${client.id}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'x-request-id': requestId },
      body: JSON.stringify(aRequest(1, 'echo', { n })),
    })
  /** What comes on its next stream up to the answer to call `n`. */
  const heardUntil = async (at: { readonly url: string }, lastEventId: string, n: number) => {
    const events = await follow(`${at.url}/sse/web`, { headers: { 'last-event-id': lastEventId } })
    const heard: unknown[] = []
    for (;;) {
      const { event, data } = await events.next()
      if (event !== 'message') continue
      const { result } = JSON.parse(String(data)) as { result: { n: number } }
      heard.push(result.n)
      if (result.n === n) return heard
    }
  }
  return { endpoint, store, a, b, client, first, lost, post, heardUntil }
}

it('a request that waits for its stream is not answered by the call before it', async () => {
  const { b, client, lost, post, heardUntil } = await open()
  await lost()
  const posting = post(b, 2)
  // Its session has been taken over, and it waits.
  await expect.poll(() => b.router.sessions().get('web')).toBe(1)
  expect(await heardUntil(b, client.lastEventId, 2)).toEqual([2])
  expect((await posting).status).toBe(202)
})

it('nor where it is taken over from a server that is slow to say whether it has a stream', async () => {
  const slow = (asked: Asked): void => (asked.method === 'GET' ? undefined : echo(asked))
  const { b, client, lost, post, heardUntil } = await open(slow)
  await lost()
  const posting = post(b, 2)
  await expect.poll(() => b.router.sessions().get('web')).toBe(1)
  expect(await heardUntil(b, client.lastEventId, 2)).toEqual([2])
  expect((await posting).status).toBe(202)
})

it('nor at the instance that has had the session all the time', async () => {
  const { a, client, post, heardUntil } = await open()
  await cut(a, client)
  const posting = post(a, 2)
  await expect.poll(() => a.router.calls()).toBe(1)
  expect(await heardUntil(a, client.lastEventId, 2)).toEqual([2])
  expect((await posting).status).toBe(202)
})

it('one that came before, and comes again, gets its answer', async () => {
  const { b, client, lost, post, heardUntil } = await open()
  await lost()
  const posting = post(b, 1)
  await expect.poll(() => b.router.sessions().get('web')).toBe(1)
  expect(await heardUntil(b, client.lastEventId, 1)).toEqual([1])
  expect((await posting).status).toBe(202)
})

it('a client that says which answer it had last is not told it again', async () => {
  const { a, b, client, first, lost, post, heardUntil } = await open()
  expect(first.id).toContain(client.lastEventId)
  await cut(a, client)
  const here = heardUntil(a, first.id ?? '', 2)
  await expect.poll(() => a.events.filter(({ kind }) => kind === 'stream').length).toBe(3)
  await post(a, 2)
  expect(await here).toEqual([2])
  await lost()
  const there = heardUntil(b, first.id ?? '', 3)
  await expect.poll(() => b.router.sessions().get('web')).toBe(1)
  await expect.poll(async () => (await post(b, 3)).status).toBe(202)
  expect(await there).toEqual([2, 3])
})

it('and hears that of the call before the last, which it may not have', async () => {
  const { a, client, first, post, heardUntil } = await open()
  await post(a, 2)
  await client.events.next()
  await cut(a, client)
  expect(await heardUntil(a, first.id ?? '', 2)).toEqual([2])
})

it('of two initialize at once the second is answered, and the first is refused', async () => {
  const { endpoint } = await openCommand({
    on: {
      async initialize({ params, reply }) {
        await wait(50)
        const { clientInfo } = params as ReturnType<typeof handshakeOf>
        reply({ protocolVersion: '2024-11-05', capabilities: {}, serverInfo: clientInfo })
      },
    },
  })
  const gateway = await openGateway({ backends: [backendOf('web', [endpoint])] })
  const client = await streamAt(gateway, {}, 'web')
  const both = [1, 2].map((id) =>
    client.send(aRequest(id, 'initialize', handshakeOf(`client ${id}`))),
  )
  expect((await Promise.all(both)).map(({ status }) => status)).toEqual([202, 202])
  const heard = [await client.events.message(), await client.events.message()]
  expect(heard).toMatchObject([
    { id: 1, error: { code: -32600, message: expect.stringContaining('new conversation') } },
    { id: 2, result: { serverInfo: { name: 'client 2' } } },
  ])
})

it('is not passed on where the store cannot be told that its id is used again', async () => {
  const { store, endpoint, a, client, post } = await open(echo, 200)
  vi.spyOn(store.callLog, 'drop').mockRejectedValue(
    new RouterError('STORE_UNAVAILABLE', { reason: 'away' }),
  )
  const listed = await client.send(aRequest(7, 'tools/list'))
  expect(listed.status).toBe(202)
  await client.events.next()
  const before = endpoint.asked.length
  const again = await fetch(`${a.url}/mcp/web/message?sessionId=${client.id}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(aRequest(7, 'tools/list')),
  })
  expect(again.status).toBe(503)
  expect(endpoint.asked).toHaveLength(before)
  vi.restoreAllMocks()
  expect((await post(a, 2)).status).toBe(202)
  expect(String((await client.events.next()).data)).toContain('"n":2')
}, 30_000)

it('a notification that is named initialize does not end the session at the server', async () => {
  const { client, endpoint } = await open()
  const notice = { jsonrpc: '2.0', method: 'initialize', params: handshakeOf('c') }
  const both = [await client.send(notice), await client.send(notice)]
  expect(both.map(({ status }) => status)).toEqual([202, 202])
  await client.send(aRequest(2, 'echo', { n: 2 }))
  expect(String((await client.events.next()).data)).toContain('"n":2')
  expect(endpoint.by('DELETE')).toEqual([])
})
