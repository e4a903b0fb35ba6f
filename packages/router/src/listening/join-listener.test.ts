import type { ServerResponse } from 'node:http'
import { backendOf, httpEndpoint } from '@mcp-router/testkit/backend'
import { aRequest, ask, follow, initialize } from '@mcp-router/testkit/client'
import { openGateway, openStore } from '@mcp-router/testkit/router'
import { asked, openAsideAsker, openEndpoint, question } from '@mcp-router/testkit/server'
import { expect, it } from 'vitest'

const eventStream = { 'content-type': 'text/event-stream' }
const json = { 'content-type': 'application/json' }

/** The instance that had the client's stream is gone, and the second listens in its place, for a call under way. */
const openListening = async (busy: number) => {
  const server = await openAsideAsker({ busy })
  const backends = [backendOf('web', [httpEndpoint(server.endpoint.url)])]
  const store = openStore()
  const open = async (n: number) => {
    const gateway = await openGateway({ backends, store, instance: `router-instance-${n}` })
    return { gateway, url: `${gateway.url}/mcp/web` }
  }
  const [a, b] = [await open(1), await open(2)]
  const { headers } = await initialize(b.url)
  const own = await follow(a.url, { headers })
  const lose = async (): Promise<void> => {
    await a.gateway.router.drain(0)
    await expect.poll(() => own.response.complete || own.response.destroyed).toBe(true)
    const accept = 'application/json, text/event-stream'
    const call = { headers: { ...headers, accept }, body: aRequest(1, 'ask') }
    const told = await follow(b.url, call)
    expect(await told.message()).toEqual(asked('q-1'))
  }
  return { ...server, open, lose, headers }
}

it.each([
  ['that was there', 409, true],
  ['that was there', 400, true],
  ['that came later', 409, false],
  ['that came later', 400, false],
])(
  'a client’s stream at an instance %s goes on where another one listens (the server says %i)',
  async (_, busy, isEarly) => {
    const { open, lose, headers, say, endpoint } = await openListening(busy)
    const early = isEarly ? await open(3) : undefined
    if (early) await ask(early.url, { headers, body: aRequest(0, 'tools/list') })
    await lose()
    const { url } = early ?? (await open(3))
    const taken = () => endpoint.by('GET').filter(({ res }) => res.statusCode === 200).length
    const before = taken()
    const next = await follow(url, { headers })
    let heard: object | undefined
    const hearing = next.message().then((message) => (heard = message))
    // Until it has joined, the call under way is told.
    await expect
      .poll(
        () => {
          say(question('later'))
          return heard
        },
        { interval: 100, timeout: 5_000 },
      )
      .toEqual(asked('later'))
    await hearing
    expect(taken()).toBe(before)
  },
)

it('a client’s stream that comes to a new instance while another one opens its own goes on there', async () => {
  let held: ServerResponse | undefined
  const endpoint = await openEndpoint(({ method, res }) => {
    if (method !== 'GET') res.writeHead(200, json).end('{"jsonrpc":"2.0","id":0,"result":{}}')
    else if (held) res.writeHead(409).end()
    else held = res
  })
  const backends = [backendOf('web', [httpEndpoint(endpoint.url)])]
  const store = openStore()
  const open = (n: number) => openGateway({ backends, store, instance: `router-instance-${n}` })
  const [a, b] = [await open(1), await open(2)]
  const { headers } = await initialize(`${b.url}/mcp/web`)
  await ask(`${a.url}/mcp/web`, { headers, body: aRequest(0, 'tools/list') })
  await a.router.drain(0)
  const c = await open(3)
  const asking = ask(`${b.url}/mcp/web`, { headers, body: aRequest(0, 'tools/list') })
  await expect.poll(() => held).toBeDefined()
  const next = await follow(`${c.url}/mcp/web`, { headers })
  await expect.poll(() => endpoint.by('GET').length).toBeGreaterThan(2)
  held?.writeHead(200, eventStream).flushHeaders()
  await asking
  held?.write(`data: ${JSON.stringify(question('later'))}\n\n`)
  expect(await next.message()).toEqual(asked('later'))
})
