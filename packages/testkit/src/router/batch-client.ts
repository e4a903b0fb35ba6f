import { expect } from 'vitest'
import { backendOf, httpEndpoint } from '../backend/backend.js'
import { ask, initialize } from '../client/client.js'
import type { Told } from '../client/client.js'
import { openEndpoint } from '../server/endpoint.js'
import type { TestEndpoint } from '../server/endpoint.js'
import type { Asked } from '../server/http.js'
import { openUsual } from '../server/commands.js'
import { openGateway } from './gateway.js'
import type { TestGateway } from './gateway.js'

/** BatchClient has a session whose revision has batches, or another one. */
export interface BatchClient {
  readonly gateway: TestGateway
  readonly url: string
  readonly session: string
  readonly headers: Record<string, string>
  readonly send: (body: unknown, headers?: Record<string, string>) => Promise<Told>
}

const batches = '2025-03-26'

/** stdioOf is the stdio server of the tests at a revision. */
export const stdioOf = async (revision = batches) =>
  backendOf('local', [(await openUsual({ revision })).endpoint])

const clientOf = async (gateway: TestGateway, url: string): Promise<BatchClient> => {
  const { session, headers } = await initialize(url)
  const send = (body: unknown, more = {}) => ask(url, { headers: { ...headers, ...more }, body })
  return { gateway, url, session, headers, send }
}

/** overStdio has a session that the gateway owns. */
export const overStdio = async (revision?: string): Promise<BatchClient> => {
  const gateway = await openGateway({ backends: [await stdioOf(revision)] })
  return clientOf(gateway, `${gateway.url}/mcp/local`)
}

/** overHttp has a portable session; the endpoint agreed on the revision as far as its record says. */
export const overHttp = async (
  answer?: (asked: Asked) => void,
  revision = batches,
): Promise<BatchClient & { readonly endpoint: TestEndpoint }> => {
  const endpoint = await openEndpoint(answer)
  const gateway = await openGateway({
    backends: [backendOf('weather', [httpEndpoint(endpoint.url)])],
  })
  const client = await clientOf(gateway, `${gateway.url}/mcp/weather`)
  // What initialize brought is an id of the store.
  const id = client.session as Parameters<typeof gateway.router.forget>[0]
  await gateway.store.sessions.update(id, 0, { revision })
  await gateway.router.forget(id)
  return { ...client, endpoint }
}

/** arrayIn is the array that a batch was answered with, ordered by id. */
export const arrayIn = (told: Told): readonly Record<string, unknown>[] => {
  expect([told.status, told.headers['content-type']]).toEqual([200, 'application/json'])
  const all = JSON.parse(told.text) as Record<string, unknown>[]
  return all.sort((a, b) => JSON.stringify(a['id']).localeCompare(JSON.stringify(b['id'])))
}

/** eventsIn are the messages of a stream that a batch was answered with. */
export const eventsIn = (told: Told): readonly Record<string, unknown>[] => {
  expect([told.status, told.headers['content-type']]).toEqual([200, 'text/event-stream'])
  const data = told.text.split('\n').filter((line) => line.startsWith('data: '))
  return data.map((line) => JSON.parse(line.slice(6)) as Record<string, unknown>)
}
