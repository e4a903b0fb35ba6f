import { RouterError } from '@mcp-router/core'
import type { CallLog, Store } from '@mcp-router/store'
import { backendOf, httpEndpoint } from '@mcp-router/testkit/backend'
import { aRequest, ask } from '@mcp-router/testkit/client'
import { cut, handshakeOf, openGateway, openStore, streamAt } from '@mcp-router/testkit/router'
import { openEndpoint } from '@mcp-router/testkit/server'
import type { Asked } from '@mcp-router/testkit/server'
import { expect, it } from 'vitest'

/** A client of 2024-11-05 at the first of two instances, whose store can be away; the server holds what it is asked to read. */
const open = async () => {
  const held: Asked[] = []
  const endpoint = await openEndpoint((asked) => {
    const { method = '' } = asked.message
    if (method === 'resources/read') held.push(asked)
    else if (asked.method === 'GET') asked.res.writeHead(405).end()
    else respond(asked)
  })
  const whole = openStore()
  let isAway = false
  const failing =
    <Args extends unknown[], T>(work: (...args: Args) => Promise<T>) =>
    (...args: Args): Promise<T> =>
      isAway ? Promise.reject(new RouterError('STORE_UNAVAILABLE')) : work(...args)
  const { callLog: reachable } = whole
  const callLog = Object.assign(Object.create(reachable) as CallLog, {
    keep: failing(reachable.keep.bind(reachable)),
    entries: failing(reachable.entries.bind(reachable)),
  })
  const update = failing(whole.sessions.update.bind(whole.sessions))
  const sessions = { ...whole.sessions, update }
  const store = Object.assign(Object.create(whole) as Store, { callLog, sessions })
  const backends = [backendOf('web', [httpEndpoint(endpoint.url)])]
  const storeBudgetMs = 100
  const a = await openGateway({ backends, store, storeBudgetMs })
  const b = await openGateway({ backends, store, storeBudgetMs, instance: 'router-instance-2' })
  const client = await streamAt(a, {}, 'web')
  await client.send(aRequest(0, 'initialize', handshakeOf('c')))
  await client.events.message()
  await client.send({ jsonrpc: '2.0', method: 'notifications/initialized' })
  const returnTo = (gateway: typeof a) =>
    streamAt(gateway, { 'last-event-id': client.lastEventId }, 'web')
  const setAway = (away: boolean): void => void (isAway = away)
  return { endpoint, a, b, store, client, held, setAway, returnTo }
}

const respond = ({ res, message }: Asked): void => {
  res.writeHead(200, { 'content-type': 'application/json' })
  res.end(JSON.stringify({ jsonrpc: '2.0', id: message.id, result: {} }))
}

const read = (id: number) => aRequest(id, 'resources/read')

it('a client that comes back while the store is away is sent once more what it may not have', async () => {
  const { a, client, held, setAway, returnTo } = await open()
  for (const id of [1, 2]) {
    setAway(id === 2)
    client.send(read(id)).catch(() => undefined)
    await expect.poll(() => held.length).toBe(id)
    respond(held[id - 1]!)
    expect(await client.events.message()).toMatchObject({ id })
  }
  await cut(a, client)
  const { events } = await returnTo(a)
  expect(await events.message()).toMatchObject({ id: 2, result: {} })
  // The other one is in the store alone.
  setAway(false)
  expect(await events.message()).toMatchObject({ id: 1, result: {} })
})

it('what an owner had accepted is seen to, though the store goes away while it is succeeded', async () => {
  const { store, client, held, b, setAway, returnTo } = await open()
  await client.send(read(1))
  await expect.poll(() => held.length).toBe(1)
  await store.membership.leave('router-instance-1' as never)
  setAway(true)
  const again = await returnTo(b)
  // Longer than the call log is patient.
  const posting = again.send(read(2))
  await expect.poll(() => held.length).toBe(2)
  setAway(false)
  await expect.poll(() => held.length).toBe(3)
  for (const asked of held.slice(1)) respond(asked)
  const answers = [await again.events.message(), await again.events.message()] as { id: number }[]
  expect(answers.map(({ id }) => id)).toEqual([2, 1])
  expect((await posting).status).toBe(202)
})

it('a handshake that the store cannot be told is not made', async () => {
  const { endpoint, a, store, setAway } = await open()
  const handshakes = () => endpoint.by('initialize').length
  const known = async () => (await store.sessions.find(client.id))?.initialize
  const client = await streamAt(a, {}, 'web')
  const before = handshakes()
  setAway(true)
  const opening = aRequest(0, 'initialize', handshakeOf('late'))
  const refused = await client.send(opening)
  expect([refused.status, JSON.parse(refused.text)]).toMatchObject([503, { id: 0 }])
  const posting = client.send(opening)
  setAway(false)
  expect((await posting).status).toBe(202)
  expect(await client.events.message()).toMatchObject({ id: 0, result: {} })
  expect(handshakes()).toBe(before + 1)
  expect(await known()).toContain('late')
})

it('a handshake whose owner is gone is made by the next one, once its client is back', async () => {
  const { a, b, store } = await open()
  const client = await streamAt(a, {}, 'web')
  await store.membership.leave('router-instance-1' as never)
  // As the instance that had passed it on sends it once more.
  const posting = ask(`${b.url}/mcp/web/message?sessionId=${client.id}`, {
    body: aRequest(0, 'initialize', handshakeOf('c')),
  })
  await expect.poll(async () => (await store.sessions.find(client.id))?.epoch).toBe(2)
  const { events } = await streamAt(b, { 'last-event-id': client.lastEventId }, 'web')
  expect((await posting).status).toBe(202)
  expect(await events.message()).toMatchObject({ id: 0, result: {} })
})

it('an initialize whose client reconnects with a new session is refused within seconds', async () => {
  const { a, b, store } = await open()
  const client = await streamAt(a, {}, 'web')
  await store.membership.leave('router-instance-1' as never)
  const body = aRequest(0, 'initialize', handshakeOf('c'))
  const began = performance.now()
  const told = await ask(`${b.url}/mcp/web/message?sessionId=${client.id}`, { body })
  expect([told.status, JSON.parse(told.text)]).toMatchObject([400, { id: 0 }])
  expect(performance.now() - began).toBeLessThan(6_000)
  expect(await store.sessions.find(client.id)).toBeUndefined()
})
