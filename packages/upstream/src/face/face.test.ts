import { metaKeys } from '@mcp-router/protocol'
import { describe, expect, it } from 'vitest'
import { openFace } from './face.fixture.js'

const result = (id: unknown, value: unknown) => ({ jsonrpc: '2.0', id, result: value })
const refusal = (id: unknown, code: number, message: string | RegExp) => ({
  jsonrpc: '2.0',
  id,
  error: { code, message: expect.stringMatching(message) },
})

describe('initialize at a modern server', () => {
  it.each([
    ['2025-03-26', '2025-03-26'],
    ['1999-01-01', '2025-11-25'],
  ])(
    'that asks for %s agrees on %s, and tells what the server discovered',
    async (asked, agreed) => {
      const { initialize } = openFace()
      expect(await initialize({ tools: {} }, { protocolVersion: asked })).toEqual(
        result('i', {
          protocolVersion: agreed,
          capabilities: { tools: {} },
          serverInfo: { name: 'weather', version: 'unknown' },
        }),
      )
    },
  )

  it('discovers with all that a modern request needs', async () => {
    const { channel, send } = openFace()
    void send(1, 'initialize', { capabilities: { roots: { listChanged: true } } })
    const { method, params, headers } = await channel.next()
    expect({ method, params }).toEqual({
      method: 'server/discover',
      params: {
        _meta: {
          [metaKeys.protocolVersion]: '2026-07-28',
          [metaKeys.clientCapabilities]: { roots: {} },
        },
      },
    })
    expect(headers).toEqual({
      'mcp-protocol-version': '2026-07-28',
      'mcp-method': 'server/discover',
    })
  })

  it('is refused as the server refuses, in words of that era', async () => {
    const { channel, heard, send } = openFace()
    void send(1, 'initialize')
    ;(await channel.next()).refuse(-32022, 'Unsupported')
    expect(await heard.next()).toEqual(refusal(1, -32603, 'Unsupported'))
  })

  it('fails with what is wrong with what it discovered', async () => {
    const { channel, heard, send } = openFace()
    const sent = send(1, 'initialize')
    ;(await channel.next()).answer({ resultType: 'input_required', requestState: 's' })
    const reason = expect.stringContaining('resultType "input_required"') as string
    expect(await sent).toMatchObject({ code: 'UPSTREAM_BAD_ANSWER', data: { reason } })
    expect(heard.messages).toEqual([])
  })

  it('fails as its channel does', async () => {
    const { channel, send } = openFace()
    const sent = send(1, 'initialize')
    ;(await channel.next()).fail(new Error('gone'))
    expect(await sent).toMatchObject({ message: 'gone' })
  })
})

it('a server/discover that is not answered in time fails the handshake, and is given up', async () => {
  const { channel, send } = openFace(200)
  const sent = send(1, 'initialize')
  const discover = await channel.next()
  expect(await sent).toMatchObject({
    code: 'OPENING_FAILED',
    data: { reason: 'server/discover was not answered within 0.2 s, the limit', late: true },
  })
  expect(discover.isAborted()).toBe(true)
})

describe('what a face answers itself', () => {
  it('is ping', async () => {
    const { channel, heard, send } = openFace()
    await send(1, 'ping')
    expect(await heard.next()).toEqual(result(1, {}))
    expect(channel.sent).toEqual([])
  })

  it.each([
    'tasks/list',
    'tasks/get',
    'server/discover',
    'subscriptions/listen',
    'a b',
    'x\u010d\u010aevil: 1',
  ])('is a refusal of %j', async (method) => {
    const { channel, heard, send } = openFace()
    await send(1, method)
    expect(await heard.next()).toEqual(refusal(1, -32601, 'Method not found'))
    expect(channel.sent).toEqual([])
  })

  it('is nothing to notifications, which that era has none of', async () => {
    const { channel, heard, tell } = openFace()
    await tell({ method: 'notifications/initialized' })
    await tell({ method: 'notifications/roots/list_changed' })
    expect([...channel.sent, ...heard.messages]).toEqual([])
  })
})

describe('logging/setLevel', () => {
  it('asks for log messages with every request from then on', async () => {
    const { channel, heard, send, initialize } = openFace()
    await initialize({ logging: {} })
    void send(1, 'tools/list')
    expect((await channel.next()).params['_meta']).not.toHaveProperty(metaKeys.logLevel)
    await send(2, 'logging/setLevel', { level: 'warning' })
    expect(await heard.next()).toEqual(result(2, {}))
    void send(3, 'tools/list')
    expect((await channel.next()).params['_meta']).toMatchObject({ [metaKeys.logLevel]: 'warning' })
  })

  it('is refused for a level that there is not, and by a server that does not log', async () => {
    const { heard, send, initialize } = openFace()
    await initialize({ logging: {} })
    await send(1, 'logging/setLevel', { level: 'loud' })
    expect(await heard.next()).toEqual(refusal(1, -32602, /Invalid level: .*warning/))
    const silent = openFace()
    await silent.initialize()
    await silent.send(1, 'logging/setLevel', { level: 'info' })
    expect(await silent.heard.next()).toEqual(refusal(1, -32601, 'does not log'))
  })
})

describe('what a session listens to', () => {
  const filterOf = (sent: { params: Readonly<Record<string, unknown>> }) =>
    sent.params['notifications']
  const acknowledged = 'notifications/subscriptions/acknowledged'

  it('are the lists of which the server tells changes, without the tag of the listen', async () => {
    const { face, channel, heard, initialize } = openFace()
    await initialize({
      tools: { listChanged: true },
      prompts: {},
      resources: { listChanged: true },
    })
    face.listen()
    const listen = await channel.next()
    expect(filterOf(listen)).toEqual({ toolsListChanged: true, resourcesListChanged: true })
    const tag = { [metaKeys.subscriptionId]: listen.id }
    listen.say(acknowledged, { notifications: {}, _meta: tag })
    listen.say('notifications/tools/list_changed', { _meta: tag })
    expect(await heard.next()).toEqual({
      jsonrpc: '2.0',
      method: 'notifications/tools/list_changed',
    })
  })

  it('is nothing where the server tells of nothing', async () => {
    const { face, channel, initialize } = openFace()
    await initialize({ tools: {} })
    face.listen()
    expect(channel.sent).toHaveLength(1)
  })

  it('forgets what the tools were when they change', async () => {
    const { face, channel, heard, send, initialize, call } = openFace()
    await initialize({ tools: { listChanged: true } })
    await call(1, { name: 'weather' })
    face.listen()
    const listen = await channel.next()
    listen.say('notifications/tools/list_changed')
    await heard.next()
    void send(2, 'tools/call', { name: 'weather' })
    expect(await channel.next()).toMatchObject({ method: 'tools/list' })
  })

  it('grows and shrinks by resources, answered once the server knows', async () => {
    const { channel, heard, send, initialize } = openFace()
    await initialize({ resources: { subscribe: true } })
    const subscribing = send(1, 'resources/subscribe', { uri: 'a:1' })
    const first = await channel.next()
    expect(filterOf(first)).toEqual({ resourceSubscriptions: ['a:1'] })
    expect(heard.messages).toHaveLength(1)
    first.say(acknowledged)
    await subscribing
    expect(await heard.next()).toEqual(result(1, {}))

    void send(2, 'resources/subscribe', { uri: 'b:2' })
    const second = await channel.next()
    expect(filterOf(second)).toEqual({ resourceSubscriptions: ['a:1', 'b:2'] })
    expect(first.isAborted()).toBe(false)
    second.say(acknowledged)
    expect(await heard.next()).toEqual(result(2, {}))
    expect(first.isAborted()).toBe(true)

    void send(3, 'resources/unsubscribe', { uri: 'a:1' })
    const third = await channel.next()
    expect(filterOf(third)).toEqual({ resourceSubscriptions: ['b:2'] })
    third.say(acknowledged)
    expect(await heard.next()).toEqual(result(3, {}))
    await send(4, 'resources/unsubscribe', { uri: 'b:2' })
    expect(await heard.next()).toEqual(result(4, {}))
    expect(third.isAborted()).toBe(true)
    expect(channel.sent).toHaveLength(4)
  })

  it('are no resources where the server takes no subscriptions, or the client names none', async () => {
    const { heard, send, initialize } = openFace()
    await initialize({ resources: { subscribe: true } })
    await send(1, 'resources/subscribe', {})
    expect(await heard.next()).toEqual(refusal(1, -32602, 'Invalid uri'))
    const other = openFace()
    await other.initialize({ resources: {} })
    await other.send(1, 'resources/subscribe', { uri: 'a:1' })
    expect(await other.heard.next()).toEqual(refusal(1, -32601, 'no subscriptions'))
  })
})

describe('closing a face', () => {
  it('ends its calls and its listen, tells so once, and takes no more', async () => {
    const { face, channel, heard, initialize, send } = openFace()
    await initialize({ tools: { listChanged: true } })
    face.listen()
    const listen = await channel.next()
    const listing = send(1, 'tools/list')
    const list = await channel.next()
    await Promise.all([face.close(), face.close()])
    await listing
    expect([listen.isAborted(), list.isAborted()]).toEqual([true, true])
    expect(await heard.closed).toBeUndefined()
    expect(heard.closings()).toBe(1)
    expect(await send(2, 'tools/list')).toMatchObject({ code: 'UPSTREAM_FAILED' })
    expect(heard.messages).toHaveLength(1)
  })
})
