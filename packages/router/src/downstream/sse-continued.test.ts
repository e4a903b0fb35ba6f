import { backendOf, httpEndpoint } from '@mcp-router/testkit/backend'
import { aRequest } from '@mcp-router/testkit/client'
import { cut, handshakeOf, openGateway, openStore, streamAt } from '@mcp-router/testkit/router'
import { openEndpoint } from '@mcp-router/testkit/server'
import { expect, it, onTestFinished, vi } from 'vitest'

/** A client of 2024-11-05 in front of a Streamable HTTP server, at the first of two Instances. */
const open = async () => {
  const endpoint = await openEndpoint()
  const backends = [backendOf('web', [httpEndpoint(endpoint.url)])]
  const store = openStore()
  const a = await openGateway({ backends, store })
  const b = await openGateway({ backends, store, instance: 'router-instance-2' })
  const client = await streamAt(a, {}, 'web')
  await client.send(aRequest(0, 'initialize', handshakeOf('c')))
  await client.events.message()
  await client.send({ jsonrpc: '2.0', method: 'notifications/initialized' })
  const sessionsOf = (method: string) =>
    endpoint.by(method).map(({ headers }) => headers['mcp-session-id'])
  const comeBack = () => streamAt(b, { 'last-event-id': client.lastEventId }, 'web')
  await expect
    .poll(async () => (await store.sessions.find(client.id))?.backendSessionId)
    .toBeTruthy()
  return { endpoint, store, a, b, client, comeBack, sessionsOf }
}

it('a new owner continues the session at the server, when the one before is gone', async () => {
  const { endpoint, store, client, comeBack, sessionsOf } = await open()
  await client.send(aRequest(1, 'echo'))
  await client.events.message()
  await store.membership.leave('router-instance-1' as never)
  const again = await comeBack()
  expect(again.id).toBe(client.id)
  await again.send(aRequest(2, 'echo'))
  await expect.poll(() => sessionsOf('echo')).toHaveLength(2)
  expect(new Set(sessionsOf('echo')).size).toBe(1)
  expect(endpoint.by('initialize')).toHaveLength(1)
})

it('an owner that is stopped leaves the session at the server alone', async () => {
  const { endpoint, store, a, comeBack, sessionsOf } = await open()
  await a.router.drain(0)
  await store.membership.leave('router-instance-1' as never)
  const again = await comeBack()
  await again.send(aRequest(1, 'echo'))
  await expect.poll(() => sessionsOf('echo')).toHaveLength(1)
  expect(endpoint.asked.filter(({ method }) => method === 'DELETE')).toEqual([])
  expect(endpoint.by('initialize')).toHaveLength(1)
})

it('a new owner shakes hands once more where the server has forgotten the session', async () => {
  const { endpoint, store, comeBack } = await open()
  await store.membership.leave('router-instance-1' as never)
  endpoint.forget()
  const again = await comeBack()
  await again.send(aRequest(1, 'echo'))
  expect(await again.events.message()).toMatchObject({ id: 1 })
  expect(endpoint.by('initialize')).toHaveLength(2)
})

it('a new owner opens another session where the operator has replaced the server', async () => {
  const { endpoint, store, b, comeBack } = await open()
  const other = await openEndpoint()
  b.publish(backendOf('web', [httpEndpoint(other.url)]))
  await store.membership.leave('router-instance-1' as never)
  const again = await comeBack()
  await again.send(aRequest(1, 'echo'))
  expect(await again.events.message()).toMatchObject({ id: 1 })
  // The id of the session at the old one is no business of the new one.
  expect(other.asked[0]?.message.method).toBe('initialize')
  expect(endpoint.by('echo')).toEqual([])
})

it('a session whose client stays away ends at the server, too', async () => {
  vi.useFakeTimers({ toFake: ['performance', 'setInterval', 'clearInterval'] })
  onTestFinished(() => void vi.useRealTimers())
  const { endpoint, a, client } = await open()
  await cut(a, client)
  await vi.advanceTimersByTimeAsync(65_000)
  await expect.poll(() => endpoint.by('DELETE')).toHaveLength(1)
})
