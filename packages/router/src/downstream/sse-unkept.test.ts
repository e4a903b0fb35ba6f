import { RouterError } from '@mcp-router/core'
import type { CallLog, Store } from '@mcp-router/store'
import { backendOf, httpEndpoint } from '@mcp-router/testkit/backend'
import { aRequest } from '@mcp-router/testkit/client'
import {
  handshakeOf,
  openGateway,
  openStore,
  requestsOwed,
  streamAt,
} from '@mcp-router/testkit/router'
import { openEndpoint } from '@mcp-router/testkit/server'
import type { Asked } from '@mcp-router/testkit/server'
import { expect, it } from 'vitest'

/** A client of 2024-11-05 whose calls the server holds, at an instance whose call log can be away. */
const open = async (storeBudgetMs = 200) => {
  const held: Asked[] = []
  const endpoint = await openEndpoint((asked) => {
    const { method = '' } = asked.message
    if (['resources/read', 'tools/call'].includes(method)) held.push(asked)
    else if (asked.method === 'GET') asked.res.writeHead(405).end()
    else respond(asked, { tools: [] })
  })
  const whole = openStore()
  let isAway = false
  const keep: CallLog['keep'] = (...args) =>
    isAway
      ? Promise.reject(new RouterError('STORE_UNAVAILABLE'))
      : Promise.resolve(whole.callLog.keep(...args))
  const callLog = Object.assign(Object.create(whole.callLog) as CallLog, { keep })
  const store = Object.assign(Object.create(whole) as Store, { callLog })
  const backends = [backendOf('web', [httpEndpoint(endpoint.url)])]
  const gateway = await openGateway({ backends, store, storeBudgetMs })
  const client = await streamAt(gateway, {}, 'web')
  await client.send(aRequest(0, 'initialize', handshakeOf('c')))
  await client.events.message()
  await client.send({ jsonrpc: '2.0', method: 'notifications/initialized' })
  const setAway = (away: boolean): void => void (isAway = away)
  return { gateway, store, client, held, setAway }
}

const respond = ({ res, message }: Asked, result: object): void => {
  res.writeHead(200, { 'content-type': 'application/json' })
  res.end(JSON.stringify({ jsonrpc: '2.0', id: message.id, result }))
}

it('a request is answered 202 only once the call log has it, though it was passed on', async () => {
  const { store, client, held, setAway } = await open()
  setAway(true)
  let status = 0
  const posting = client.send(aRequest(1, 'resources/read')).then((res) => (status = res.status))
  const unsafe = client.send(aRequest(2, 'tools/call', { name: 'append' }))
  // Both were passed on, the second one after the patience with the store.
  await expect.poll(() => held.length).toBe(2)
  expect(status).toBe(0)
  expect(await requestsOwed(store, client.id)).toEqual([])
  setAway(false)
  expect(await posting).toBe(202)
  expect((await unsafe).status).toBe(202)
  expect(await requestsOwed(store, client.id)).toEqual(['1', '2'])
})

it('or its client has the response', async () => {
  const { client, held, setAway } = await open()
  setAway(true)
  const posting = client.send(aRequest(1, 'resources/read'))
  await expect.poll(() => held.length).toBe(1)
  for (const asked of held) respond(asked, {})
  expect(await client.events.message()).toMatchObject({ id: 1, result: {} })
  expect((await posting).status).toBe(202)
})

it('its client hears by the POST that the instance has stopped', async () => {
  const { gateway, client, held, setAway } = await open()
  setAway(true)
  const posting = client.send(aRequest(1, 'resources/read'))
  await expect.poll(() => held.length).toBe(1)
  await gateway.router.drain(0)
  const { status, text } = await posting
  expect([status, JSON.parse(text)]).toMatchObject([502, { id: 1, error: { code: -31502 } }])
})

it('one that comes again, because the instance on its way has gone, waits with the first', async () => {
  const { client, held, setAway } = await open()
  setAway(true)
  const body = aRequest(1, 'resources/read')
  let answered = 0
  const post = async (): Promise<number> => {
    const { status } = await client.send(body, { 'x-request-id': 'r-1' })
    answered++
    return status
  }
  const posting = [post()]
  await expect.poll(() => held.length).toBe(1)
  posting.push(post())
  // The first one has given up on the store by then.
  await client.send({ jsonrpc: '2.0', method: 'notifications/said' })
  await expect.poll(() => held.length).toBe(1)
  const other = client.send(aRequest(2, 'tools/call', { name: 'append' }))
  await expect.poll(() => held.length).toBe(2)
  expect(answered).toBe(0)
  setAway(false)
  expect(await Promise.all(posting)).toEqual([202, 202])
  expect((await other).status).toBe(202)
  expect(held).toHaveLength(2)
})

it('its id is free once its client has the response, though the store is still waited for', async () => {
  const { client, held, setAway } = await open(60_000)
  setAway(true)
  const posting = client.send(aRequest(1, 'resources/read'))
  await expect.poll(() => held.length).toBe(1)
  for (const asked of held) respond(asked, {})
  expect(await client.events.message()).toMatchObject({ id: 1 })
  const again = client.send(aRequest(1, 'resources/read'))
  setAway(false)
  expect((await posting).status).toBe(202)
  await expect.poll(() => held.length).toBe(2)
  expect((await again).status).toBe(202)
})
