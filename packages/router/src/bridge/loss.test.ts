import { backendOf, httpEndpoint } from '@mcp-router/testkit/backend'
import { canAnswer, jsonOf, modernClient } from '@mcp-router/testkit/client'
import { openGateway } from '@mcp-router/testkit/router'
import { echo, openAsker, openEndpoint } from '@mcp-router/testkit/server'
import type { Asked, AskerCall } from '@mcp-router/testkit/server'
import { describe, expect, it } from 'vitest'

const done = (call: AskerCall): void => call.end({ done: true })
const prompt = { name: 'p' }
const info = { name: 'weather', version: '1' }

const open = async (work = done, second = false) => {
  const askers = [await openAsker(work), ...(second ? [await openAsker(work)] : [])]
  const endpoints = askers.map(({ url }) => httpEndpoint(url))
  const gateway = await openGateway({ backends: [backendOf('weather', endpoints)] })
  const url = `${gateway.url}/mcp/weather`
  const [asker] = askers
  if (!asker) throw new Error('there is one at least')
  return { asker, askers, gateway, client: modernClient(url, { capabilities: canAnswer }) }
}

describe('a server that restarted', () => {
  it('gets the call through a new session, and once', async () => {
    const { asker, client } = await open()
    await client.send('prompts/get', prompt)
    asker.forget()
    const told = await client.send('prompts/get', prompt)
    expect([told.status, jsonOf(told)]).toMatchObject([200, { result: { done: true } }])
    expect(asker.calls.map(({ session }) => session)).toEqual(['s-1', 's-2'])
  })

  it('gets it though several sessions were open', async () => {
    const held: AskerCall[] = []
    const { asker, client } = await open((call) => void held.push(call))
    const both = [client.send('prompts/get', prompt), client.send('prompts/get', prompt)]
    await expect.poll(() => held.length).toBe(2)
    held.forEach(done)
    await Promise.all(both)
    asker.forget()
    const told = client.send('prompts/get', prompt)
    await expect.poll(() => held.length).toBe(3)
    held.slice(2).forEach(done)
    expect((await told).status).toBe(200)
  })

  it('gets it though it has forgotten a session that was opened for a call that left, and the next', async () => {
    const opening: Asked[] = []
    const greet = (asked: Asked): void => void opening.push(asked)
    const alive = new Set<unknown>()
    const endpoint = await openEndpoint(
      (asked) => {
        const { method, headers, res } = asked
        if (method === 'GET')
          res.writeHead(200, { 'content-type': 'text/event-stream' }).flushHeaders()
        else if (alive.has(headers['mcp-session-id'])) echo(asked)
        else res.writeHead(404).end()
      },
      { greet, knowsAll: true },
    )
    const gateway = await openGateway({
      backends: [backendOf('weather', [httpEndpoint(endpoint.url)])],
    })
    const client = modernClient(`${gateway.url}/mcp/weather`, { capabilities: canAnswer })
    const grant = async (n: number): Promise<void> => {
      await expect.poll(() => opening.length).toBe(n)
      const { res, message } = opening[n - 1]! // there is one
      res.writeHead(200, { 'content-type': 'application/json', 'mcp-session-id': `s-${n}` })
      const result = { protocolVersion: '2025-06-18', capabilities: {}, serverInfo: info }
      res.end(JSON.stringify({ jsonrpc: '2.0', id: message.id, result }))
    }
    const leaving = new AbortController()
    const left = client.send('prompts/get', prompt, { signal: leaving.signal })
    left.catch(() => undefined)
    await expect.poll(() => opening.length).toBe(1)
    leaving.abort()
    await expect.poll(() => gateway.router.calls()).toBe(0)
    await grant(1)
    await expect.poll(() => endpoint.by('GET').length).toBe(1)
    const call = client.send('prompts/get', prompt)
    await grant(2)
    alive.add('s-3')
    await grant(3)
    expect((await call).status).toBe(200)
  })

  it('and knows no session at all is an error, not a loop', async () => {
    const endpoint = await openEndpoint(({ res }) => res.writeHead(404).end())
    const backends = [backendOf('weather', [httpEndpoint(endpoint.url)])]
    const gateway = await openGateway({ backends })
    const client = modernClient(`${gateway.url}/mcp/weather`)
    for (const capabilities of [{}, canAnswer]) {
      const told = await client.send('prompts/get', prompt, { capabilities })
      expect([told.status, jsonOf(told)]).toMatchObject([503, { error: { code: -31503 } }])
    }
    // Each is sent once more, in a new session.
    expect(endpoint.by('prompts/get')).toHaveLength(4)
  })

  it('is still held against what it declared of its tools', async () => {
    const { asker, client } = await openTool()
    await client.tool('t', { city: 'Bern' }, { headers: { 'mcp-param-city': 'Bern' } })
    asker.forget()
    // Whatever the router knew of the tools is old.
    asker.tell('notifications/tools/list_changed')
    await expect
      .poll(async () => {
        await client.tool('t', { city: 'Bern' }, { headers: { 'mcp-param-city': 'Bern' } })
        return asker.by('tools/list').length
      })
      .toBeGreaterThan(1)
    const told = await client.tool(
      't',
      { city: 'Bern' },
      { headers: { 'mcp-param-city': 'Basel' } },
    )
    expect(told).toMatchObject({ error: { code: -32020 } })
  })
})

describe('an endpoint that refuses connections', () => {
  it('is passed over by a call that had a session there', async () => {
    const { asker, askers, client } = await open(done, true)
    for (let n = 0; n < 2; n++) await client.send('prompts/get', prompt)
    expect(askers.map(({ calls }) => calls.length)).toEqual([1, 1])
    await asker.shut()
    for (let n = 0; n < 2; n++) {
      expect((await client.send('prompts/get', prompt)).status).toBe(200)
    }
    expect(askers.map(({ calls }) => calls.length)).toEqual([1, 3])
  })

  it('is told as 503 when there is no other', async () => {
    const { asker, client } = await open()
    await client.send('prompts/get', prompt)
    await asker.shut()
    const told = await client.send('prompts/get', prompt)
    expect([told.status, told.headers['retry-after']]).toEqual([503, '2'])
  })
})

describe('an endpoint that breaks off', () => {
  it.each([
    ['is asked again for what may run twice, a few times', 'prompts/get', 4, 502, -31502],
    ['is not asked again for what may not, nor is another', 'tools/call', 1, 200, -31001],
  ] as const)('%s', async (_, method, times, status, code) => {
    const hits: unknown[] = []
    const breaking = () =>
      openEndpoint(({ message, res }) => {
        if (message.method) hits.push(message.method)
        res.destroy()
      })
    const endpoints = [httpEndpoint((await breaking()).url), httpEndpoint((await breaking()).url)]
    const gateway = await openGateway({ backends: [backendOf('weather', endpoints)] })
    const client = modernClient(`${gateway.url}/mcp/weather`, { capabilities: canAnswer })
    const told = await client.send(method, { name: 'p' })
    expect([told.status, jsonOf(told)]).toMatchObject([status, { error: { code } }])
    expect(hits.filter((hit) => hit === method)).toHaveLength(times)
  })
})

const openTool = async () => {
  const city = { type: 'string', 'x-mcp-header': 'City' }
  const tools = [{ name: 't', inputSchema: { type: 'object', properties: { city } } }]
  const asker = await openAsker(done, { tools: { listChanged: true } }, tools)
  const backends = [backendOf('weather', [httpEndpoint(asker.url)])]
  const gateway = await openGateway({ backends })
  const url = `${gateway.url}/mcp/weather`
  return { asker, client: modernClient(url, { capabilities: canAnswer }) }
}

describe('a header that repeats an argument', () => {
  it.each([
    ['agrees', { 'mcp-param-city': 'Bern' }, { result: { done: true } }],
    ['differs', { 'mcp-param-city': 'Basel' }, { error: { code: -32020 } }],
    ['is missing', {}, { error: { code: -32020 } }],
  ])('and %s', async (_, headers, told) => {
    const { asker, client } = await openTool()
    const answer = await client.tool('t', { city: 'Bern' }, { headers })
    expect(answer).toMatchObject(told)
    expect(asker.calls).toHaveLength('result' in told ? 1 : 0)
  })
})
