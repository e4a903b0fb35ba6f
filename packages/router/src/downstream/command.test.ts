import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Instance, InstanceId } from '@mcp-router/core'
import { backendOf } from '@mcp-router/testkit/backend'
import { canAnswer, jsonOf, modernClient, roundOf, yes } from '@mcp-router/testkit/client'
import { openGateway, openStore } from '@mcp-router/testkit/router'
import {
  complete,
  openAskingCommand,
  openModernCommand,
  openUsual,
  deadUrl,
} from '@mcp-router/testkit/server'
import type { TestCommand } from '@mcp-router/testkit/server'
import { describe, expect, it, onTestFinished } from 'vitest'
import { homeOf } from '../cluster/home.js'

const [first, second] = ['router-instance-1', 'router-instance-2'] as [InstanceId, InstanceId]

const open = async (openServer: () => Promise<TestCommand>, deadlineMs?: number) => {
  const { endpoint } = await openServer()
  const backends = [backendOf('local', [endpoint], deadlineMs)]
  const store = openStore()
  const a = await openGateway({ backends, store, instance: first })
  const b = await openGateway({ backends, store, instance: second })
  const clientOf = (url: string, terms = {}) => modernClient(`${url}/mcp/local`, terms)
  const [home, away] = (await homeIsFirst(store, endpoint.id)) ? [a, b] : [b, a]
  return { store, endpoint, home, away, clientOf }
}

const city = { type: 'string', 'x-mcp-header': 'City' }
const counting = { name: 'count', inputSchema: { type: 'object', properties: { city } } }
/** It lists a tool whose argument `city` is repeated in a header. */
const openListing = () =>
  openModernCommand({ on: { 'tools/list': (call) => complete(call, { tools: [counting] }) } })

type Store = ReturnType<typeof openStore>

const homeIsFirst = async (store: Store, id: string, principal = 'ada'): Promise<boolean> =>
  homeOf(`${id} ${principal}`, await store.membership.list())?.id === first

const resultOf = (told: Record<string, unknown>) => told['result'] as Record<string, unknown>

describe('a modern call to a modern command', () => {
  it('passes as it is, and its errors have their status', async () => {
    const { home, clientOf } = await open(openModernCommand)
    const client = clientOf(home.url)
    const told = await client.tool('count', {}, { more: { requestState: 'its own' } })
    expect(told).toMatchObject({ id: 'm-1', result: { count: 1, state: 'its own' } })
    const unknown = await client.send('prompts/list')
    expect([unknown.status, jsonOf(unknown)]).toMatchObject([404, { error: { code: -32601 } }])
    const caps = await client.send('tools/call', { name: 'caps' })
    expect([caps.status, jsonOf(caps)]).toMatchObject([400, { error: { code: -32021 } }])
  })

  it.each([
    ['agree', { 'mcp-param-city': 'Bern' }, 200, { result: { count: 1 } }],
    ['differ', { 'mcp-param-city': 'Basel' }, 400, { error: { code: -32020 } }],
    ['are missing', {}, 400, { error: { code: -32020 } }],
  ])('whose headers %s is held against them', async (_, headers, status, answer) => {
    const { home, away, clientOf } = await open(openListing)
    const params = { name: 'count', arguments: { city: 'Bern' } }
    const told = await clientOf(home.url).send('tools/call', params, { headers })
    expect([told.status, jsonOf(told)]).toMatchObject([status, answer])
    if (status === 200) return
    const passed = await clientOf(away.url).send('tools/call', params, { headers })
    expect([passed.status, jsonOf(passed)]).toMatchObject([status, answer])
  })

  it('hears of its progress under its own token', async () => {
    const { home, clientOf } = await open(openModernCommand)
    const params = { name: 'progress' }
    const terms = { meta: { progressToken: 'mine' } }
    const events = await clientOf(home.url).stream('tools/call', params, terms)
    expect(await events.message()).toMatchObject({ params: { progressToken: 'mine' } })
    expect(await events.message()).toMatchObject({ id: 'm-1', result: { done: true } })
  })

  it('whose client leaves is cancelled', async () => {
    const { home, clientOf } = await open(openModernCommand)
    const client = clientOf(home.url)
    await client.tool('count')
    const leaving = new AbortController()
    const asking = client.send('tools/call', { name: 'hang' }, { signal: leaving.signal })
    asking.catch(() => undefined)
    await expect.poll(() => home.router.calls()).toBe(1)
    leaving.abort()
    await expect.poll(async () => resultOf(await client.tool('cancelled'))['cancelled']).toBe(1)
  })

  it('that ends the command is told so, and the next one starts it anew', async () => {
    const { home, clientOf } = await open(openModernCommand)
    const client = clientOf(home.url)
    const before = resultOf(await client.tool('count'))
    const told = await client.send('tools/call', { name: 'exit' })
    expect([told.status, jsonOf(told)]).toMatchObject([200, { error: { code: -31001 } }])
    const after = resultOf(await client.tool('count'))
    expect([after['count'], after['pid'] === before['pid']]).toEqual([1, false])
  })
})

describe('a command behind several instances', () => {
  it('is one process for a client, wherever its calls arrive', async () => {
    const { home, away, clientOf } = await open(openModernCommand)
    const counts: unknown[] = []
    for (const { url } of [home, away, home, away]) {
      counts.push(resultOf(await clientOf(url).tool('count'))['count'])
    }
    expect(counts).toEqual([1, 2, 3, 4])
    expect(away.events.filter((event) => event.kind === 'upstream')).toEqual([])
  })

  it('is one process where it has sessions, too', async () => {
    const { home, away, clientOf } = await open(openUsual)
    const pids = new Set<unknown>()
    for (const { url } of [home, away]) {
      const told = jsonOf(await clientOf(url).send('server/discover'))
      const meta = resultOf(told)['_meta'] as Record<string, Record<string, unknown>>
      pids.add(meta['io.modelcontextprotocol/serverInfo']?.['pid'])
      expect((await clientOf(url).tool('echo')).result).toBeDefined()
    }
    expect(away.events.filter((event) => event.kind === 'upstream')).toEqual([])
    expect(home.events.filter((event) => event.kind === 'upstream')).toHaveLength(1)
  })

  it('has its deadline at its home, which cancels there what the command leaves alone', async () => {
    const { home, away, clientOf } = await open(openModernCommand, 2_000)
    const told = await clientOf(away.url).tool('hang')
    expect(told).toMatchObject({ error: { code: -31504 } })
    expect(home.calls()).toMatchObject([{ outcome: 'DEADLINE_PASSED' }])
    const cancelled = await clientOf(home.url).tool('cancelled')
    expect(cancelled).toMatchObject({ result: { cancelled: 1 } })
  })

  it('is served where the call arrives when its home cannot be reached', async () => {
    const { store, home, away, clientOf } = await open(openModernCommand)
    const { id } = await memberAt(store, home.url)
    const address = (await deadUrl()).replace('/mcp', '')
    await store.membership.join({ id, address, pid: 1, startedAt: 1, sessions: 0 }, { evict: true })
    expect(await clientOf(away.url).tool('count')).toMatchObject({ result: { count: 1 } })
    expect(away.calls()).toMatchObject([{ status: 200, outcome: 'ok' }])
  })

  it.each([
    ['is served where it arrives', { 'x-request-id': 'r-1' }, { result: { count: 1 } }],
    ['is told unknown where nobody could have noted it', {}, { error: { code: -31001 } }],
  ])(
    'whose home closes the connection before it has noted a call that must not run twice %s',
    async (_, headers, answer) => {
      const closing = createServer((req) => req.socket.destroy())
      await once(closing.listen(0, '127.0.0.1'), 'listening')
      onTestFinished(() => void closing.close())
      const { port } = closing.address() as AddressInfo
      const { store, home, away, clientOf } = await open(openModernCommand)
      const { id } = await memberAt(store, home.url)
      const address = `http://127.0.0.1:${port}`
      const member = { id, address, pid: 1, startedAt: 1, sessions: 0 }
      await store.membership.join(member, { evict: true })
      const params = { name: 'count', arguments: {} }
      const told = await clientOf(away.url).send('tools/call', params, { headers })
      expect(jsonOf(told)).toMatchObject(answer)
    },
  )

  it('keeps a parked call where it is, though its home is elsewhere by then', async () => {
    const { store, endpoint, home, away, clientOf } = await open(openAskingCommand)
    const owner = await memberAt(store, home.url)
    // While its home is away the call is parked at the other one.
    await store.membership.leave(owner.id)
    const client = clientOf(away.url, { capabilities: canAnswer })
    const { requestState } = roundOf(await client.tool('t'))
    await store.membership.join(owner)
    const third = await thirdBeside(store, endpoint.id, owner.id)
    const more = { requestState, inputResponses: { 'input-1': yes } }
    const c = await openGateway({
      backends: [backendOf('local', [endpoint])],
      store,
      instance: third,
    })
    const elsewhere = clientOf(c.url, { capabilities: canAnswer })
    expect(await elsewhere.tool('t', {}, { more })).toMatchObject({ result: { heard: yes } })
  })
})

const memberAt = async (store: Store, url: string): Promise<Instance> => {
  const found = (await store.membership.list()).find(({ address }) => address === url)
  if (!found) throw new Error('each gateway is a member')
  return found
}

/** A third Instance that comes without becoming the home. */
const thirdBeside = async (store: Store, id: string, home: InstanceId): Promise<InstanceId> => {
  const members = await store.membership.list()
  for (let n = 3; ; n++) {
    const third = `router-instance-${n}` as InstanceId
    const all = [...members, { id: third, address: '', pid: 1, startedAt: 1, sessions: 0 }]
    if (homeOf(`${id} ada`, all)?.id === home) return third
  }
}
