import { backendOf, httpEndpoint } from '@mcp-router/testkit/backend'
import { ask, canAnswer, jsonOf, modernClient, questionOf } from '@mcp-router/testkit/client'
import { openGateway } from '@mcp-router/testkit/router'
import { deadUrl, openEndpoint, openUsual } from '@mcp-router/testkit/server'
import type { Asked } from '@mcp-router/testkit/server'
import { describe, expect, it } from 'vitest'

const saying =
  (said: object) =>
  ({ res, message }: Asked): void => {
    res.writeHead(200, { 'content-type': 'application/json' })
    res.end(JSON.stringify({ jsonrpc: '2.0', id: message.id, ...said }))
  }

const open = async (answer?: (asked: Asked) => void, capabilities = {}) => {
  const endpoint = await openEndpoint(answer, { capabilities })
  const gateway = await openGateway({
    backends: [backendOf('weather', [httpEndpoint(endpoint.url)])],
  })
  return { endpoint, gateway, client: modernClient(`${gateway.url}/mcp/weather`) }
}

describe('what a server with sessions answers a modern client', () => {
  it('is complete, and says who answered', async () => {
    const { client } = await open(saying({ result: { content: [] } }))
    expect(await client.tool('add')).toEqual({
      jsonrpc: '2.0',
      id: 'm-1',
      result: {
        resultType: 'complete',
        content: [],
        _meta: { 'io.modelcontextprotocol/serverInfo': { name: 's-1', version: '1' } },
      },
    })
  })

  it('may be kept for no time and by nobody else where it lists', async () => {
    const { client } = await open(saying({ result: { tools: [] } }))
    const told = jsonOf(await client.send('tools/list'))
    expect(told).toMatchObject({ result: { ttlMs: 0, cacheScope: 'private', tools: [] } })
  })

  it('has come without the envelope, which it would not know', async () => {
    const { endpoint, client } = await open()
    await client.send('resources/read', { uri: 'a:b' }, { meta: { traceparent: 't' } })
    expect(endpoint.by('resources/read')[0]?.message.params).toEqual({
      uri: 'a:b',
      _meta: { traceparent: 't' },
    })
  })

  it('passes when it is big', async () => {
    const text = 'é'.repeat(2.5 * 1024 * 1024)
    const { client } = await open(saying({ result: { content: [{ type: 'text', text }] } }))
    const { result } = (await client.tool('big')) as { result: { content: [{ text: string }] } }
    expect(result).toMatchObject({ resultType: 'complete' })
    expect(result.content[0].text === text).toBe(true)
  })

  it.each([
    ['an unknown method', 'tools/call', -32601, 404, -32601],
    ['a resource that is not there', 'resources/read', -32002, 200, -32602],
    ['wrong arguments', 'tools/call', -32602, 200, -32602],
    ['a code of its own', 'tools/call', 7, 200, 7],
    ['a URL for a client that cannot be sent there', 'tools/call', -32042, 400, -32021],
  ])('for %s is the error of the modern era', async (_, method, code, status, told) => {
    const { client } = await open(saying({ error: { code, message: 'no' } }))
    const answer = await client.send(
      method,
      method === 'tools/call' ? { name: 'n' } : { uri: 'a:b' },
    )
    expect([answer.status, jsonOf(answer)]).toMatchObject([
      status,
      { id: 'm-1', error: { code: told } },
    ])
  })

  it.each([
    ['through a shared session', {}],
    ['through one of its own', canAnswer],
  ])('and is no JSON inside is told as 502, %s', async (_, capabilities) => {
    const { client } = await open(({ res, message }) => {
      res.writeHead(200, { 'content-type': 'application/json' })
      res.end(`{"jsonrpc":"2.0","id":${JSON.stringify(message.id)},"result":{"a":}}`)
    })
    const answer = await client.send('prompts/list', {}, { capabilities })
    expect([answer.status, jsonOf(answer)]).toMatchObject([502, { error: { code: -31502 } }])
  })
})

describe('server/discover', () => {
  const offered = { tools: { listChanged: true }, tasks: {} }

  it.each([
    ['the shared session', {}],
    ['one that can ask', canAnswer],
  ])('is answered from the handshake of %s', async (_, capabilities) => {
    const { endpoint, client } = await open(undefined, offered)
    const told = jsonOf(await client.send('server/discover', {}, { capabilities }))
    expect(told).toMatchObject({
      result: {
        supportedVersions: ['2026-07-28'],
        capabilities: { tools: { listChanged: true } },
        ttlMs: 0,
        cacheScope: 'private',
        _meta: { 'io.modelcontextprotocol/serverInfo': { name: 's-1' } },
      },
    })
    expect(told).not.toHaveProperty('result.capabilities.tasks')
    expect(endpoint.by('initialize')).toHaveLength(1)
  })

  it.each([{}, canAnswer])('goes on to an endpoint that can be reached', async (capabilities) => {
    const endpoint = await openEndpoint()
    const endpoints = [httpEndpoint(await deadUrl(), 9), httpEndpoint(endpoint.url)]
    const legacy = { ...backendOf('weather', endpoints), era: 'legacy' as const }
    const gateway = await openGateway({ backends: [legacy] })
    const client = modernClient(`${gateway.url}/mcp/weather`, { capabilities })
    expect((await client.send('server/discover')).status).toBe(200)
  })
})

describe('the sessions that modern calls go through', () => {
  const sessionsOf = (asked: readonly Asked[]) =>
    asked.map(({ headers }) => headers['mcp-session-id'])

  it('are one for all plain calls', async () => {
    const { endpoint, client } = await open()
    await client.tool('a', {}, { principal: 'ada' })
    await client.tool('b', {}, { principal: 'bob' })
    expect(sessionsOf(endpoint.by('tools/call'))).toEqual(['s-1', 's-1'])
  })

  it('are used again where the server may ask', async () => {
    const { endpoint, client } = await open()
    const terms = { capabilities: canAnswer }
    await client.send('prompts/get', { name: 'a' }, terms)
    await client.send('prompts/get', { name: 'b' }, terms)
    expect(sessionsOf(endpoint.by('prompts/get'))).toEqual(['s-1', 's-1'])
    const { capabilities } = endpoint.by('initialize')[0]?.message.params ?? {}
    expect(capabilities).toEqual(canAnswer)
  })

  it.each([
    ['principals', { capabilities: canAnswer, principal: 'bob' }],
    ['capabilities', { capabilities: { roots: {} } }],
  ])('are not shared between different %s', async (_, other) => {
    const { endpoint, client } = await open()
    await client.send('prompts/get', { name: 'a' }, { capabilities: canAnswer })
    await client.send('prompts/get', { name: 'b' }, other)
    expect(sessionsOf(endpoint.by('prompts/get'))).toEqual(['s-1', 's-2'])
  })

  it('are at each endpoint in turn', async () => {
    const [a, b] = [await openEndpoint(), await openEndpoint()]
    const endpoints = [httpEndpoint(a.url), httpEndpoint(b.url)]
    const gateway = await openGateway({ backends: [backendOf('weather', endpoints)] })
    const client = modernClient(`${gateway.url}/mcp/weather`)
    for (let n = 0; n < 10; n++) await client.send('prompts/list')
    expect([a, b].map((each) => each.by('prompts/list').length)).toEqual([5, 5])
  })

  it('are to a command, too', async () => {
    const backends = [backendOf('local', [(await openUsual()).endpoint])]
    const gateway = await openGateway({ backends })
    const client = modernClient(`${gateway.url}/mcp/local`)
    const told = await client.tool('echo', { n: 1 })
    expect(told).toMatchObject({ id: 'm-1', result: { resultType: 'complete', name: 'echo' } })
  })
})

describe('a call whose params cannot be written for a session', () => {
  it('takes no place from others', async () => {
    const { endpoint, gateway, client } = await open()
    const terms = { capabilities: canAnswer }
    const { headers = {}, body } = questionOf(1, 'prompts/get', { name: 'a', in: 'HERE' }, terms)
    const deep = '['.repeat(100_000) + ']'.repeat(100_000)
    const url = `${gateway.url}/mcp/weather`
    const told = await ask(url, { headers, body: JSON.stringify(body).replace('"HERE"', deep) })
    expect(told.status).toBeGreaterThanOrEqual(400)
    expect((await client.send('prompts/get', { name: 'a' }, terms)).status).toBe(200)
    expect(endpoint.by('initialize')).toHaveLength(1)
  })
})
