import { backendOf, sseEndpoint } from '@mcp-router/testkit/backend'
import { aRequest, ask, initialize, jsonOf, modernClient } from '@mcp-router/testkit/client'
import { arrayIn, begin, openGateway } from '@mcp-router/testkit/router'
import { openSseServer } from '@mcp-router/testkit/server'
import { describe, expect, it } from 'vitest'

const open = async () => {
  const server = await openSseServer()
  const gateway = await openGateway({ backends: [backendOf('local', [sseEndpoint(server.url)])] })
  const count = (method: string) => server.ran().filter((each) => each === method).length
  return { server, gateway, count, url: `${gateway.url}/mcp/local` }
}

const denied = aRequest(1, 'tools/call', { name: 'write', deny: true })
const says = /server "local" refused the message \(HTTP 404, unlike a ping in the same session\)/
const unknown = {
  code: -31001,
  message: expect.stringMatching(says),
  data: { method: 'tools/call', tool: 'write' },
}

describe('a call whose POST an HTTP+SSE server answers 404 while it knows the session', () => {
  it('runs once, and its outcome is unknown', async () => {
    const { gateway, count, url } = await open()
    const { headers } = await initialize(url)
    expect(jsonOf(await ask(url, { headers, body: denied }))).toMatchObject({ error: unknown })
    expect([count('tools/call'), gateway.ended]).toEqual([1, []])
    const told = await ask(url, { headers, body: aRequest(2, 'echo', { a: 1 }) })
    expect(jsonOf(told)).toMatchObject({ id: 2, result: { a: 1 } })
  })

  it('gives its late answer to nobody, whose id was used again least of all', async () => {
    const { url } = await open()
    const { headers } = await initialize(url)
    await ask(url, { headers, body: denied })
    const told = await ask(url, { headers, body: aRequest(1, 'echo', { a: 1 }) })
    expect(jsonOf(told)).toMatchObject({ id: 1, result: { a: 1 } })
  })

  it('runs once in a batch', async () => {
    const { count, url } = await open()
    const { headers } = await initialize(url)
    const body = [denied, aRequest(2, 'echo')]
    expect(arrayIn(await ask(url, { headers, body }))).toMatchObject([
      { id: 1, error: unknown },
      { id: 2, result: {} },
    ])
    expect(count('tools/call')).toBe(1)
  })

  it('runs once where it has no session of its own', async () => {
    const { gateway, count } = await open()
    const told = await ask(`${gateway.url}/mcp/router/route/local`, { body: denied })
    expect(jsonOf(told)).toMatchObject({ error: unknown })
    expect(count('tools/call')).toBe(1)
  })

  it('runs once where its answer comes on a stream', async () => {
    const { gateway, count } = await open()
    const { events, send } = await begin(gateway)
    expect((await send(denied)).status).toBe(202)
    expect(await events.message()).toMatchObject({ id: 1, error: unknown })
    expect(count('tools/call')).toBe(1)
  })

  it('runs once where its client is a modern one', async () => {
    const { count, url } = await open()
    const told = await modernClient(url).tool('write', {}, { more: { deny: true } })
    expect(told).toMatchObject({ error: unknown })
    expect(count('tools/call')).toBe(1)
  })

  it('is sent again where it may run twice', async () => {
    const { count, url } = await open()
    const { headers } = await initialize(url)
    const told = await ask(url, { headers, body: aRequest(1, 'tools/list', { deny: true }) })
    expect([told.status, jsonOf(told)]).toMatchObject([502, { error: { code: -31502 } }])
    expect(told.text).toMatch(/refused the message/)
    expect(count('tools/list')).toBe(4)
  })
})

it('a call that meets an HTTP+SSE server which has forgotten the session is sent again', async () => {
  const { server, count, url } = await open()
  const { headers } = await initialize(url)
  server.forget()
  server.up()
  const told = await ask(url, { headers, body: aRequest(1, 'tools/call', { name: 'write' }) })
  expect(jsonOf(told)).toMatchObject({ id: 1, result: { name: 'write' } })
  expect([count('tools/call'), server.opened()]).toEqual([1, 2])
})
