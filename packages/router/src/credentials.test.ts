import { backendOf, httpEndpoint } from '@mcp-router/testkit/backend'
import { aRequest, ask, canAnswer, initialize, modernClient } from '@mcp-router/testkit/client'
import { openGateway } from '@mcp-router/testkit/router'
import { echo, openEndpoint } from '@mcp-router/testkit/server'
import type { TestEndpoint } from '@mcp-router/testkit/server'
import { expect, it } from 'vitest'

const names = ['alice', 'bob'] as const

/** Two servers at one address, each with its own credentials. */
const openBoth = async () => {
  const endpoint = await openEndpoint((asked) => echo(asked))
  const backends = names.map((name) => {
    const headers = { authorization: `Bearer ${name}` }
    return {
      ...backendOf(name, [{ ...httpEndpoint(endpoint.url), headers }]),
      era: 'auto' as const,
    }
  })
  return { endpoint, gateway: await openGateway({ backends }) }
}

/** Who sent the calls of each session of the server. */
const sendersOf = (endpoint: TestEndpoint): ReadonlySet<string> =>
  new Set(
    endpoint.asked
      .filter(({ headers }) => headers['mcp-session-id'] !== undefined)
      .map(({ headers }) => JSON.stringify([headers['mcp-session-id'], headers.authorization])),
  )

const bearerOf = (endpoint: TestEndpoint, who: string): unknown =>
  endpoint.by('tools/call').find(({ message }) => message.params?.['name'] === who)?.headers
    .authorization

it('calls of two servers with one URL go out with the credentials of each, in sessions apart', async () => {
  const { endpoint, gateway } = await openBoth()
  for (const name of names)
    await ask(`${gateway.url}/mcp/router/route/${name}`, {
      body: aRequest(1, 'tools/call', { name }),
    })
  expect(names.map((name) => bearerOf(endpoint, name))).toEqual(['Bearer alice', 'Bearer bob'])
  expect(sendersOf(endpoint).size).toBe(2)
})

it('and so do those of clients without sessions, whether or not they can be asked', async () => {
  const { endpoint, gateway } = await openBoth()
  for (const capabilities of [{}, canAnswer]) {
    endpoint.asked.length = 0
    for (const name of names)
      await modernClient(`${gateway.url}/mcp/${name}`, { capabilities }).tool(name)
    expect(names.map((name) => bearerOf(endpoint, name))).toEqual(['Bearer alice', 'Bearer bob'])
    expect(sendersOf(endpoint).size).toBe(2)
  }
})

it('and those of sessions', async () => {
  const { endpoint, gateway } = await openBoth()
  for (const name of names) {
    const url = `${gateway.url}/mcp/${name}`
    const { headers } = await initialize(url)
    await ask(url, { headers, body: aRequest(1, 'tools/call', { name }) })
  }
  expect(names.map((name) => bearerOf(endpoint, name))).toEqual(['Bearer alice', 'Bearer bob'])
})

it('what fails with the credentials of one says nothing of the other', async () => {
  const { gateway } = await openBoth()
  const [alice, bob] = names.map((name) => ({
    ...httpEndpoint('http://127.0.0.1:1/mcp'),
    headers: { authorization: `Bearer ${name}` },
  }))
  if (!alice || !bob) throw new Error('there are two')
  gateway.publish(backendOf('alice', [alice]), backendOf('bob', [bob]))
  await ask(`${gateway.url}/mcp/router/route/alice`, { body: aRequest(1, 'tools/call') })
  expect([alice, bob].map((each) => gateway.router.stateOf(each))).toEqual(['down', 'unknown'])
})

it.each(['http', 'sse'] as const)(
  'no address of a server is in what is told of one over %s',
  async (transport) => {
    const refusing = await openEndpoint(({ res }) => void res.writeHead(404).end(), {
      greet: ({ res }) => void res.writeHead(404).end(),
    })
    const urls = [refusing.url, 'http://127.0.0.1:1/mcp'].map((url) => `${url}?api_key=SECRET`)
    const backends = urls.map((url, at) =>
      backendOf(names[at] ?? '', [
        { ...httpEndpoint(url), id: `${names[at]}#1` as never, transport },
      ]),
    )
    const gateway = await openGateway({ backends })
    const told = await Promise.all(
      names.flatMap((name) => [
        ask(`${gateway.url}/mcp/router/route/${name}`, { body: aRequest(1, 'tools/call') }),
        ask(`${gateway.url}/mcp/${name}`, {
          body: aRequest(1, 'initialize', { protocolVersion: '2025-06-18' }),
        }),
        modernClient(`${gateway.url}/mcp/${name}`).send('tools/list'),
      ]),
    )
    const everything = JSON.stringify([told, gateway.events])
    expect(everything).toContain('#1')
    expect(everything).not.toMatch(/SECRET|\/mcp\?/)
  },
)
