import { backendOf, nodeEndpoint } from '@mcp-router/testkit/backend'
import { aRequest, ask, askedId, follow, initialize, jsonOf } from '@mcp-router/testkit/client'
import { openGateway } from '@mcp-router/testkit/router'
import { openUsual } from '@mcp-router/testkit/server'
import { describe, expect, it } from 'vitest'

const open = async () => {
  const gateway = await openGateway({
    backends: [backendOf('local', [(await openUsual()).endpoint])],
  })
  const url = `${gateway.url}/mcp/local`
  const session = async () => {
    const { told, session: id, headers } = await initialize(url)
    const pid = (jsonOf(told) as { result: { serverInfo: { pid: number } } }).result.serverInfo.pid
    const send = (body: unknown) => ask(url, { headers, body })
    return { id, headers, pid, send }
  }
  return { gateway, url, session }
}

const notify = (method: string, params: object = {}) => ({ jsonrpc: '2.0', method, params })

describe('a session with a command', () => {
  it('has a child of its own, and its ids pass unchanged', async () => {
    const { gateway, session } = await open()
    const [one, other] = [await session(), await session()]
    expect(one.pid).not.toBe(other.pid)
    for (const id of [1, '1', 'é"']) {
      const told = await one.send(aRequest(id, 'echo', { a: 1 }))
      expect(told.headers['content-type']).toBe('application/json')
      expect(jsonOf(told)).toMatchObject({ id, result: { a: 1 } })
    }
    expect(await gateway.store.sessions.find(one.id as never)).toMatchObject({
      epoch: 1,
      instance: 'router-instance-1',
      initialize: expect.stringContaining('"clientInfo"'),
    })
    expect(gateway.router.sessions()).toEqual(new Map([['local', 2]]))
  })

  it('is answered as a stream once something else comes first', async () => {
    const { session } = await open()
    const { send } = await session()
    const told = await send(aRequest(1, 'work', { _meta: { progressToken: 't' } }))
    expect(told.headers['content-type']).toBe('text/event-stream')
    const data = told.text.split('\n').filter((line) => line.startsWith('data: '))
    expect(data.map((line) => JSON.parse(line.slice(6)) as unknown)).toMatchObject([
      { method: 'notifications/progress', params: { progressToken: 't' } },
      { id: 1, result: { done: true } },
    ])
  })

  it('hears progress on the request that it belongs to', async () => {
    const { url, session } = await open()
    const { headers, send } = await session()
    const first = follow(url, {
      headers: { ...headers, accept: '*/*' },
      body: aRequest(1, 'hang', { _meta: { progressToken: 1 } }),
    })
    first.catch(() => undefined)
    const told = await send(aRequest(2, 'work', { _meta: { progressToken: 2 } }))
    expect(told.text).toContain('"progressToken":2')
    expect(told.text).toContain('"id":2')
  })

  it('hears on its stream what the server says and asks, also what it said before', async () => {
    const { url, session } = await open()
    const { headers, send } = await session()
    expect((await send(notify('say', { n: 1 }))).status).toBe(202)
    const events = await follow(url, { headers })
    expect(await events.message()).toMatchObject({ method: 'notifications/said', params: { n: 1 } })
    await send(notify('say', { n: 2 }))
    expect(await events.message()).toMatchObject({ params: { n: 2 } })
    await send(notify('ask'))
    const { id, method } = await events.message()
    expect([id, method]).toEqual([askedId('server-1'), 'roots/list'])
    const answer = { jsonrpc: '2.0', id, result: { roots: [] } }
    expect((await send(answer)).status).toBe(202)
    expect(jsonOf(await send(aRequest(2, 'heard')))).toMatchObject({
      result: { answer: { roots: [] } },
    })
  })

  it('keeps in its record what a successor needs', async () => {
    const { gateway, session } = await open()
    const { id, send } = await session()
    await send(aRequest(1, 'logging/setLevel', { level: 'debug' }))
    await send(aRequest(2, 'resources/subscribe', { uri: 'note://a' }))
    await send(aRequest(3, 'resources/subscribe', { uri: 'note://b' }))
    await send(aRequest(4, 'resources/unsubscribe', { uri: 'note://a' }))
    expect(await gateway.store.sessions.find(id as never)).toMatchObject({
      loggingLevel: 'debug',
      subscriptions: ['note://b'],
    })
  })

  it('refuses a second request with an id that is in flight', async () => {
    const { gateway, session } = await open()
    const { send } = await session()
    const hanging = send(aRequest(1, 'hang'))
    hanging.catch(() => undefined)
    await expect.poll(() => gateway.router.calls()).toBe(1)
    expect(jsonOf(await send(aRequest(1, 'echo')))).toMatchObject({ error: { code: -32600 } })
    expect(jsonOf(await send(aRequest(3, 'echo')))).toMatchObject({ id: 3, result: {} })
  })

  it('refuses what is not JSON inside, for the child would never answer it', async () => {
    const { session } = await open()
    const { send } = await session()
    const told = await send('{"jsonrpc":"2.0","id":1,"method":"echo","params":[,]}')
    expect([told.status, jsonOf(told)]).toMatchObject([400, { id: 1, error: { code: -32700 } }])
  })
})

describe('the end of such a session', () => {
  it('does not come when its child ends: what is under way is told, and another one takes its place', async () => {
    const { gateway, session } = await open()
    const { id, send } = await session()
    const hanging = send(aRequest(1, 'hang'))
    await expect.poll(() => gateway.router.calls()).toBe(1)
    await send(notify('exit'))
    const told = await hanging
    expect([told.status, jsonOf(told)]).toMatchObject([200, { id: 1, error: { code: -31001 } }])
    expect(jsonOf(await send(aRequest(2, 'echo', { n: 2 })))).toMatchObject({
      id: 2,
      result: { n: 2 },
    })
    expect(gateway.ended).toEqual([])
    expect(await gateway.store.sessions.find(id as never)).toMatchObject({ epoch: 1 })
  })

  it('comes with DELETE, and its child ends', async () => {
    const { gateway, url, session } = await open()
    const { headers, send } = await session()
    const events = await follow(url, { headers })
    expect((await ask(url, { method: 'DELETE', headers })).status).toBe(200)
    await expect.poll(() => events.response.complete).toBe(true)
    const actions = () =>
      gateway.events.flatMap((each) => (each.kind === 'upstream' ? [each.action] : []))
    await expect.poll(actions).toEqual(['opened', 'closed'])
    expect((await send(aRequest(1, 'echo'))).status).toBe(404)
  })

  it('is told when the command cannot be started', async () => {
    const endpoint = { ...nodeEndpoint(''), command: 'no-such-command-here' }
    const gateway = await openGateway({ backends: [backendOf('local', [endpoint])] })
    const { told } = await initialize(`${gateway.url}/mcp/local`)
    expect([told.status, jsonOf(told)]).toMatchObject([502, { id: 0, error: { code: -31502 } }])
    expect(told.text).toContain('is not installed')
  })
})
