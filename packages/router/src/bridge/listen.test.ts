import { backendOf, httpEndpoint } from '@mcp-router/testkit/backend'
import { canAnswer, jsonOf, modernClient } from '@mcp-router/testkit/client'
import type { Events } from '@mcp-router/testkit/client'
import { openGateway } from '@mcp-router/testkit/router'
import { openCommand, unknownMethod, deadUrl, openAsker } from '@mcp-router/testkit/server'
import type { Step } from '@mcp-router/testkit/server'
import { describe, expect, it } from 'vitest'

const offered = {
  tools: { listChanged: true },
  prompts: {},
  resources: { listChanged: true, subscribe: true },
}
const acknowledged = 'notifications/subscriptions/acknowledged'
const toolsChanged = 'notifications/tools/list_changed'
const updated = 'notifications/resources/updated'
const tag = 'io.modelcontextprotocol/subscriptionId'

const open = async (capabilities: object = offered) => {
  const asker = await openAsker((call) => call.end({}), capabilities)
  const backends = [backendOf('weather', [httpEndpoint(asker.url)])]
  const gateway = await openGateway({ backends })
  const client = modernClient(`${gateway.url}/mcp/weather`)
  const listen = (notifications: object, terms = {}): Promise<Events> =>
    client.stream('subscriptions/listen', { notifications }, terms)
  return { asker, gateway, client, listen }
}

describe('a client that listens at a server with sessions', () => {
  it('is told first what of its wishes is met', async () => {
    const { listen } = await open()
    const events = await listen({
      toolsListChanged: true,
      promptsListChanged: true,
      resourceSubscriptions: ['a:b'],
      unknown: true,
    })
    expect(await events.message()).toEqual({
      jsonrpc: '2.0',
      method: acknowledged,
      params: {
        notifications: { toolsListChanged: true, resourceSubscriptions: ['a:b'] },
        _meta: { [tag]: 'm-1' },
      },
    })
    expect(events.response.headers).toMatchObject({ 'content-type': 'text/event-stream' })
  })

  it('hears what it asked for, tagged, and nothing else', async () => {
    const { asker, listen } = await open()
    const events = await listen({ toolsListChanged: true, resourceSubscriptions: ['a:b'] })
    await events.message()
    await expect.poll(() => asker.streams()).toBe(1)
    asker.tell('notifications/resources/list_changed')
    asker.tell(updated, { uri: 'c:d' })
    asker.tell('notifications/message', { level: 'info', data: 'x' })
    asker.tell(updated, { uri: 'a:b', _meta: { x: 1 } })
    expect(await events.message()).toEqual({
      jsonrpc: '2.0',
      method: updated,
      params: { uri: 'a:b', _meta: { x: 1, [tag]: 'm-1' } },
    })
    asker.tell(toolsChanged)
    expect(await events.message()).toMatchObject({
      method: toolsChanged,
      params: { _meta: { [tag]: 'm-1' } },
    })
  })

  it('hears once of what several sessions are told', async () => {
    const { asker, client, listen } = await open()
    const events = await listen({ toolsListChanged: true, resourceSubscriptions: ['a:b'] })
    await events.message()
    await client.send('prompts/get', { name: 'p' }, { capabilities: canAnswer })
    await expect.poll(() => asker.streams()).toBe(2)
    asker.tell(toolsChanged)
    expect(await events.message()).toMatchObject({ method: toolsChanged })
    asker.tell(updated, { uri: 'a:b' })
    expect(await events.message()).toMatchObject({ method: updated })
  })

  it('gets the result at once where nothing can be told', async () => {
    const { listen } = await open({ tools: {} })
    const events = await listen({ toolsListChanged: true })
    expect(await events.message()).toMatchObject({
      method: acknowledged,
      params: { notifications: {} },
    })
    expect(await events.message()).toEqual({
      jsonrpc: '2.0',
      id: 'm-1',
      result: { resultType: 'complete', _meta: { [tag]: 'm-1' } },
    })
  })

  it('must say to what', async () => {
    const { client } = await open()
    const told = await client.send('subscriptions/listen')
    expect([told.status, jsonOf(told)]).toMatchObject([200, { error: { code: -32602 } }])
  })

  it('and leaves is unsubscribed', async () => {
    const { asker, gateway, listen } = await open()
    const events = await listen({ resourceSubscriptions: ['a:b', 'c:d'] })
    await events.message()
    const uris = (method: string) => asker.by(method).map(({ message }) => message.params?.['uri'])
    expect(uris('resources/subscribe')).toEqual(['a:b', 'c:d'])
    events.response.destroy()
    await expect.poll(() => uris('resources/unsubscribe')).toEqual(['a:b', 'c:d'])
    expect(gateway.router.calls()).toBe(0)
  })

  it('is not waited for by a drain, and hears that it ends', async () => {
    const { gateway, listen } = await open()
    const events = await listen({ toolsListChanged: true })
    await events.message()
    const before = performance.now()
    await gateway.router.drain(10_000)
    expect(performance.now() - before).toBeLessThan(5_000)
    expect(await events.message()).toMatchObject({ id: 'm-1', result: { resultType: 'complete' } })
    expect(gateway.calls()).toMatchObject([{ status: 200, outcome: 'ok' }])
  })

  it('gets no result when the server breaks off', async () => {
    const ends: Step = ({ session }) => session.exit(1)
    const { endpoint } = await openCommand({
      revision: '2025-06-18',
      capabilities: offered,
      on: {
        'tools/call': ends,
        'server/discover': unknownMethod,
      },
      otherwise(call) {
        if (call.params['uri'] === 'exit:') ends(call)
        else if (call.id !== undefined) call.reply({})
      },
    })
    const backends = [backendOf('local', [endpoint])]
    const gateway = await openGateway({ backends })
    const client = modernClient(`${gateway.url}/mcp/local`)
    const events = await client.stream('subscriptions/listen', {
      notifications: { toolsListChanged: true },
    })
    await events.message()
    const ended = new Promise((resolve) => events.response.on('end', resolve))
    const called = await client.send('tools/call', { name: 'exit' })
    expect(jsonOf(called)).toMatchObject({ error: { code: -31001 } })
    await ended
    expect(gateway.calls().find(({ method }) => method === 'subscriptions/listen')).toMatchObject({
      outcome: 'ENDED',
    })
    const told = await client.send('subscriptions/listen', {
      notifications: { resourceSubscriptions: ['exit:'] },
    })
    expect([told.status, jsonOf(told)]).toMatchObject([502, { error: { code: -31502 } }])
  })
})

describe('a listen at a server that restarted', () => {
  it('goes through a new session', async () => {
    const { asker, listen } = await open()
    const events = await listen({ resourceSubscriptions: ['a:b'] })
    await events.message()
    asker.forget()
    const again = await listen({ resourceSubscriptions: ['c:d'] })
    expect(await again.message()).toMatchObject({
      method: acknowledged,
      params: { _meta: { [tag]: 'm-2' } },
    })
    await expect.poll(() => asker.streams()).toBeGreaterThan(0)
    asker.tell(updated, { uri: 'c:d' })
    expect(await again.message()).toMatchObject({ params: { uri: 'c:d' } })
  })

  it('goes to another endpoint where the first cannot be reached', async () => {
    const asker = await openAsker((call) => call.end({}), offered)
    const endpoints = [httpEndpoint(await deadUrl(), 9), httpEndpoint(asker.url)]
    const backend = { ...backendOf('weather', endpoints), era: 'legacy' as const }
    const gateway = await openGateway({ backends: [backend] })
    const client = modernClient(`${gateway.url}/mcp/weather`)
    const notifications = { toolsListChanged: true }
    const events = await client.stream('subscriptions/listen', { notifications })
    expect(await events.message()).toMatchObject({ method: acknowledged })
  })
})
