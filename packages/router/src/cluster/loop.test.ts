import type { Backend } from '@mcp-router/core'
import { backendOf, httpEndpoint, sseEndpoint } from '@mcp-router/testkit/backend'
import { aRequest, ask, initialize, jsonOf, modernClient } from '@mcp-router/testkit/client'
import { openGateway, openStore } from '@mcp-router/testkit/router'
import type { TestGateway } from '@mcp-router/testkit/router'
import { openEndpoint, openUsual } from '@mcp-router/testkit/server'
import { describe, expect, it } from 'vitest'

const shapeOfMarker = /^mcp-router;id=[0-9a-f]{16}$/

/** What a client can ask for, and where. */
const asking = ['/mcp/web', '/mcp/router/route/web']
const eras = ['legacy', 'modern', 'auto'] as const
const ways = asking.flatMap((path) =>
  asking.flatMap((to) => eras.map((era) => [path, to, era] as const)),
)

const clientOf = { protocolVersion: '2025-06-18', capabilities: {}, clientInfo: { name: 'test' } }
const initializing = aRequest(1, 'initialize', clientOf)

const backend = (url: string, era: Backend['era']): Backend => ({
  ...backendOf('web', [httpEndpoint(url)]),
  era,
})

const openRouter = (secret: string): Promise<TestGateway> =>
  openGateway({ store: openStore(secret), instance: secret })

const took = (...gateways: readonly TestGateway[]): number =>
  gateways.reduce((sum, each) => sum + each.calls().length, 0)

describe('a server whose url leads back to the router', () => {
  it.each(ways)('asked for at %s, with the url %s (%s)', async (path, to, era) => {
    const gateway = await openRouter('one')
    gateway.publish(backend(gateway.url + to, era))
    const told = await ask(gateway.url + path, { body: initializing })
    expect(jsonOf(told)).toMatchObject({ id: 1, error: { code: -31508 } })
    expect(told.text).toMatch(/\\"url\\" of a server leads back to this router/)
    expect(took(gateway)).toBeLessThan(8)
  })

  const modernWays = asking.flatMap((path) => eras.map((era) => [path, era] as const))
  it.each(modernWays)('asked for by a modern client at %s (%s)', async (path, era) => {
    const gateway = await openRouter('one')
    gateway.publish(backend(gateway.url + path, era))
    const told = await modernClient(gateway.url + path).send('tools/list')
    expect(jsonOf(told)).toMatchObject({ id: 'm-1', error: { code: -31508 } })
    expect(took(gateway)).toBeLessThan(8)
  })
})

it.each(['/mcp/web', '/mcp/router/route/web'])(
  'a server of 2024-11-05 that is the router itself, asked for at %s',
  async (path) => {
    const gateway = await openRouter('one')
    gateway.publish(backendOf('web', [sseEndpoint(`${gateway.url}/sse/web`)]))
    const told = await ask(gateway.url + path, { body: initializing })
    expect(jsonOf(told)).toMatchObject({ id: 1, error: { code: -31508 } })
    expect(took(gateway)).toBeLessThan(8)
  },
)

describe('two routers that name each other', () => {
  it.each(ways)('end the loop, asked at %s, with the urls %s (%s)', async (path, to, era) => {
    const [one, other] = [await openRouter('one'), await openRouter('other')]
    one.publish(backend(other.url + to, era))
    other.publish(backend(one.url + to, era))
    const told = await ask(one.url + path, { body: initializing })
    expect(jsonOf(told)).toMatchObject({ id: 1, error: { code: -31508 } })
    expect(took(one, other)).toBeLessThan(24)
  })
})

describe('a router that is a server of another one', () => {
  it('takes its calls, and passes on which routers they came through', async () => {
    const endpoint = await openEndpoint()
    const [one, other] = [await openRouter('one'), await openRouter('other')]
    other.publish(backend(endpoint.url, 'legacy'))
    one.publish(backend(`${other.url}/mcp/web`, 'legacy'))
    const url = `${one.url}/mcp/web`
    const { headers } = await initialize(url)
    const told = await ask(url, { headers, body: aRequest(2, 'echo', { n: 2 }) })
    expect(jsonOf(told)).toMatchObject({ id: 2, result: { n: 2 } })
    const routers = endpoint.by('echo').map((each) => String(each.headers['cdn-loop']).split(', '))
    const marker = expect.stringMatching(shapeOfMarker) as string
    expect(routers).toEqual([[marker, marker]])
    expect(new Set(routers[0]).size).toBe(2)
  })

  it('passes on no entry of others than routers', async () => {
    const endpoint = await openEndpoint()
    const gateway = await openRouter('one')
    gateway.publish(backend(endpoint.url, 'legacy'))
    const headers = { 'cdn-loop': 'cloudflare; loops=1, mcp-router;id=no' }
    await initialize(`${gateway.url}/mcp/web`, headers)
    const [asked] = endpoint.by('initialize')
    expect(asked?.headers['cdn-loop']).toMatch(shapeOfMarker)
  })

  it('refuses what more than eight others passed on', async () => {
    const gateway = await openRouter('one')
    gateway.publish(backendOf('web', [(await openUsual()).endpoint]))
    const url = `${gateway.url}/mcp/router/route/web?secret`
    const through = (count: number) => {
      const each = (_: unknown, n: number) => `mcp-router;id=${String(n).padStart(16, '0')}`
      const headers = { 'cdn-loop': Array.from({ length: count }, each).join(',') }
      return ask(url, { headers, body: aRequest(1, 'echo') })
    }
    expect((await through(8)).status).toBe(200)
    const refused = await through(9)
    expect(refused.status).toBe(508)
    expect(refused.headers['retry-after']).toBeUndefined()
    const message = expect.stringContaining('at /mcp/router/route/web: more than 8') as string
    expect(jsonOf(refused)).toMatchObject({ id: null, error: { code: -31508, message } })
  })
})

it('the marker is that of the cluster, and a handoff between its instances is no loop', async () => {
  const store = openStore('one')
  const backends = [backendOf('local', [(await openUsual()).endpoint])]
  const a = await openGateway({ store, backends, instance: 'a' })
  const b = await openGateway({ store, backends, instance: 'b' })
  const { headers } = await initialize(`${a.url}/mcp/local`)
  const from = { ...headers, 'cdn-loop': 'mcp-router;id=0123456789abcdef' }
  const told = await ask(`${b.url}/mcp/local`, {
    headers: from,
    body: aRequest(1, 'echo', { n: 1 }),
  })
  expect(jsonOf(told)).toMatchObject({ id: 1, result: { n: 1 } })
})
