import type { SessionId } from '@mcp-router/core'
import type { Store } from '@mcp-router/store'
import { expect } from 'vitest'
import { backendOf } from '../backend/backend.js'
import { aRequest, ask, follow } from '../client/client.js'
import { hang } from '../server/call.js'
import type { ServerCall, Step } from '../server/call.js'
import { openCommand } from '../server/stdio.js'
import { until } from '../wait/index.js'
import { openGateway, openStore } from './gateway.js'
import type { TestGateway } from './gateway.js'

/** Refuses all that comes before `initialize`; `hello` tells its params, `later` is answered twice, `hang` never. */
const openStrict = () => {
  const openings = new Map<string, object>()
  const unlessNew =
    (step: (call: ServerCall, opening: object) => void): Step =>
    (call) => {
      const opening = openings.get(call.session.id)
      if (call.id === undefined) return
      if (opening) step(call, opening)
      else call.refuse(-32000, 'not initialized')
    }
  return openCommand({
    on: {
      hang,
      initialize({ session, params, reply }) {
        openings.set(session.id, params)
        reply({ protocolVersion: params['protocolVersion'], capabilities: {}, pid: session.pid })
      },
      hello: unlessNew(({ reply }, opening) => reply(opening)),
      later: unlessNew(({ notify, params, reply, session }) => {
        notify('notifications/said', params)
        reply({ pid: session.pid })
      }),
    },
    otherwise: unlessNew(({ reply, session }) => reply({ pid: session.pid })),
  })
}

/** revision is how a client says which one it speaks. */
export const revision = { 'mcp-protocol-version': '2025-06-18' }
/** handshakeOf are the params of `initialize` of a client of this name. */
export const handshakeOf = (name: string) => ({
  protocolVersion: '2025-06-18',
  capabilities: {},
  clientInfo: { name, version: '1' },
})

/** openTwo are two Instances with the same Backends, `local` and `other`. */
export const openTwo = async () => {
  const local = backendOf('local', [(await openStrict()).endpoint])
  const backends = [local, backendOf('other', [(await openStrict()).endpoint])]
  const store = openStore()
  const a = await openGateway({ backends, store })
  const b = await openGateway({ backends, store, instance: 'router-instance-2' })
  return { backends, store, a, b }
}

/** streamAt opens the stream of a client that looks as its headers say. */
export const streamAt = async (gateway: TestGateway, headers = {}, backend = 'local') => {
  const events = await follow(`${gateway.url}/sse/${backend}`, { headers })
  return attached(gateway, events, headers)
}

/**
 * returnTo opens the stream of a client that had this one before, as clients of the official SDK do: without Last-Event-ID, naming its revision.
 * It answers the ping at the address that it had.
 */
export const returnTo = async (
  gateway: TestGateway,
  before: Pick<Client, 'send'>,
  headers: Readonly<Record<string, string>> = {},
  path = 'local',
) => {
  const events = await follow(`${gateway.url}/sse/${path}`, {
    headers: { ...revision, ...headers },
  })
  const ping = (await events.message()) as { readonly id: string; readonly method: string }
  expect(ping.method).toBe('ping')
  await before.send({ jsonrpc: '2.0', id: ping.id, result: {} }, revision)
  return attached(gateway, events, headers)
}

const attached = async (
  gateway: Pick<TestGateway, 'url'>,
  events: Awaited<ReturnType<typeof follow>>,
  headers: object,
) => {
  const first = await events.next()
  const address = new URL(first.data.toString(), gateway.url)
  const id = (address.searchParams.get('sessionId') ?? '') as SessionId
  const send = (body: unknown, more = {}) =>
    ask(address.href, { headers: { ...headers, ...more }, body })
  return { events, id, lastEventId: first.id ?? '', send }
}
type Client = Awaited<ReturnType<typeof streamAt>>

interface Beginning {
  readonly headers?: object
  readonly name?: string
  /** What else its requests say from the end of the handshake on. */
  readonly later?: Readonly<Record<string, string>>
  readonly backend?: string
}

/** begin opens one and does its handshake, from whose end on it names the revision, or never. */
export const begin = async (
  gateway: TestGateway,
  { headers = {}, name = 'c', later = revision, backend = 'local' }: Beginning = {},
) => {
  const client = await streamAt(gateway, headers, backend)
  await client.send(aRequest(0, 'initialize', handshakeOf(name)))
  const { result } = await client.events.message()
  await client.send({ jsonrpc: '2.0', method: 'notifications/initialized' }, later)
  return { ...client, pid: (result as { pid: number }).pid }
}

/** requestsOwed are the ids of requests that have no answer yet. */
export const requestsOwed = async ({ callLog }: Store, id: SessionId): Promise<string[]> => {
  const entries = await callLog.entries(id)
  const isRequest = (body: string) => 'method' in (JSON.parse(body) as object)
  return entries
    .filter(({ body }) => isRequest(body))
    .map(({ body }) => JSON.stringify((JSON.parse(body) as { id: unknown }).id))
}

/** cut breaks the stream and waits until its Instance knows. */
export const cut = async (gateway: TestGateway, { events }: Client): Promise<void> => {
  const closed = () =>
    gateway.events.filter((each) => each.kind === 'stream' && each.action === 'closed').length
  const before = closed()
  events.response.destroy()
  await until('the end of the stream', () => closed() === before + 1)
}
