import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Instance, InstanceId, Session, SessionId } from '@mcp-router/core'
import { RouterError } from '@mcp-router/core'
import { backendOf, httpEndpoint } from '@mcp-router/testkit/backend'
import { aRequest, ask, initialize, jsonOf } from '@mcp-router/testkit/client'
import { openGateway, openStore } from '@mcp-router/testkit/router'
import type { TestGateway } from '@mcp-router/testkit/router'
import { openEndpoint } from '@mcp-router/testkit/server'
import { createHttpClient } from '@mcp-router/upstream'
import { describe, expect, it, onTestFinished } from 'vitest'
import { createRecall } from './recall.js'
import { signedHeaders } from './signed.fixture.js'

/** openInstance is an Instance that remembers this record; without one it never answers. */
const openInstance = async (id: string, record?: Partial<Session>): Promise<Instance> => {
  const server = createServer((_, res) => {
    if (record) res.end(JSON.stringify(record))
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  const address = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  return { id: id as InstanceId, address, pid: 1, startedAt: 1, sessions: 0 }
}

const recallAmong = (instances: readonly Instance[]) => {
  const client = createHttpClient({ connectTimeoutMs: 1_000 })
  onTestFinished(() => client.close())
  const members = { lately: () => Promise.resolve(instances) }
  return createRecall({ client, members, instance: 'i-1' as InstanceId, secret: 'secret' })
}

describe('a session that is asked of the others', () => {
  it('is what the one knows that heard of the latest takeover; one that does not answer is not waited for', async () => {
    const others = [
      await openInstance('i-1', { epoch: 9 }),
      await openInstance('i-2', { epoch: 2 }),
      await openInstance('i-3', { epoch: 3 }),
      await openInstance('i-4'),
    ]
    expect(await recallAmong(others)('s-1' as SessionId)).toEqual({ epoch: 3 })
  })

  it('is unknown where nobody knows it', async () => {
    const gone = { ...(await openInstance('i-2')), address: 'http://127.0.0.1:1' }
    expect(await recallAmong([gone])('s-1' as SessionId)).toBeUndefined()
  })
})

describe('while the store is away', () => {
  const open = async () => {
    const endpoint = await openEndpoint()
    const backends = [backendOf('web', [httpEndpoint(endpoint.url)])]
    const store = openStore()
    const find = () => Promise.reject(new RouterError('STORE_UNAVAILABLE', { reason: 'gone' }))
    const one = await openGateway({ backends, store })
    const other = await openGateway({
      ...{ backends, storeBudgetMs: 200, instance: 'router-instance-2' },
      store: { ...store, sessions: { ...store.sessions, find } },
    })
    const { headers, session } = await initialize(`${one.url}/mcp/web`)
    return { one, other, headers, session }
  }

  it('an instance serves a session that another one remembers', async () => {
    const { other, headers } = await open()
    const told = await ask(`${other.url}/mcp/web`, { headers, body: aRequest(1, 'ping') })
    expect([told.status, jsonOf(told)]).toMatchObject([200, { id: 1, result: {} }])
  })

  it('a session that its server has forgotten is opened anew once, by whichever instance', async () => {
    const endpoint = await openEndpoint()
    const backends = [backendOf('web', [httpEndpoint(endpoint.url)])]
    const whole = openStore()
    let isAway = false
    const away = () => Promise.reject(new RouterError('STORE_UNAVAILABLE', { reason: 'gone' }))
    const known = whole.sessions
    const sessions: typeof known = {
      ...known,
      find: (id) => (isAway ? away() : known.find(id)),
      update: (...args) => (isAway ? away() : known.update(...args)),
    }
    const all: TestGateway[] = []
    for (const n of [1, 2, 3]) {
      const store = { ...whole, sessions }
      all.push(await openGateway({ backends, store, instance: `router-instance-${n}` }))
    }
    const { headers } = await initialize(`${all[0]!.url}/mcp/web`)
    const pingAt = async (at: number) => {
      const told = await ask(`${all[at]!.url}/mcp/web`, { headers, body: aRequest(1, 'ping') })
      expect([told.status, jsonOf(told)]).toMatchObject([200, { id: 1, result: {} }])
    }
    for (const at of [0, 1, 2]) await pingAt(at)
    isAway = true
    endpoint.forget()
    for (const at of [2, 0, 1]) await pingAt(at)
    expect(endpoint.by('initialize')).toHaveLength(2)
  })

  it('… and to nobody else, whoever asks', async () => {
    const { other, headers } = await open()
    const eve = { ...headers, 'x-principal': 'eve' }
    const told = await ask(`${other.url}/mcp/web`, { headers: eve, body: aRequest(1, 'ping') })
    expect(told.status).toBe(404)
  })

  it('one that nobody remembers is refused for now', async () => {
    const { other, headers } = await open()
    const unknown = { ...headers, 'mcp-session-id': 'nobody-knows' }
    const told = await ask(`${other.url}/mcp/web`, { headers: unknown, body: aRequest(1, 'ping') })
    expect([told.status, told.headers['retry-after']]).toEqual([503, expect.any(String)])
  })
})

it('what an instance remembers is told to those who have the secret only', async () => {
  const endpoint = await openEndpoint()
  const { url, store } = await openGateway({
    backends: [backendOf('web', [httpEndpoint(endpoint.url)])],
  })
  const { session } = await initialize(`${url}/mcp/web`)
  const target = `/internal/sessions/${session}`
  const recall = (secret: string) =>
    ask(url + target, { headers: signedHeaders(secret, { target }) })
  expect((await recall('guessed')).status).toBe(404)
  const told = await recall(await store.clusterSecret())
  expect([told.status, jsonOf(told)]).toMatchObject([200, { id: session }])
})
