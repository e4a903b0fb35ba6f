import { metaKeys } from '@mcp-router/protocol'
import { describe, expect, it } from 'vitest'
import { cityTool, openFace } from './face.fixture.js'

describe('a request of a session at a modern server', () => {
  it('says anew who the client is and what it can be asked', async () => {
    const { channel, send, initialize } = openFace()
    await initialize({}, { capabilities: { elicitation: {} } })
    void send(1, 'prompts/get', { name: 'p', _meta: { progressToken: 't' } })
    const { params, headers } = await channel.next()
    expect(params).toEqual({
      name: 'p',
      _meta: {
        progressToken: 't',
        [metaKeys.protocolVersion]: '2026-07-28',
        [metaKeys.clientInfo]: { name: 'c', version: '1' },
        [metaKeys.clientCapabilities]: { elicitation: { form: {} } },
      },
    })
    expect(headers).toEqual({
      'mcp-protocol-version': '2026-07-28',
      'mcp-method': 'prompts/get',
      'mcp-name': 'p',
    })
  })

  it('is answered under the id of the client, without what its era does not know', async () => {
    const { channel, heard, send } = openFace()
    const sent = send('mine', 'tools/list')
    const list = await channel.next()
    expect(list.id).not.toBe('mine')
    list.answer({ resultType: 'complete', tools: [], ttlMs: 5, cacheScope: 'public', more: 1 })
    await sent
    expect(await heard.next()).toEqual({
      jsonrpc: '2.0',
      id: 'mine',
      result: { tools: [], more: 1 },
    })
    expect(heard.abouts).toEqual(['"mine"'])
  })

  it('is told what the server says of it', async () => {
    const { channel, heard, send } = openFace()
    void send(1, 'resources/read', { uri: 'a:1' })
    const params = { progressToken: 't', progress: 1 }
    ;(await channel.next()).say('notifications/progress', params)
    expect(await heard.next()).toEqual({
      jsonrpc: '2.0',
      method: 'notifications/progress',
      params,
    })
    expect(heard.abouts).toEqual(['1'])
  })

  it('is refused as the server refuses it, what the router did wrong as an internal error', async () => {
    const { channel, heard, send } = openFace()
    void send(1, 'prompts/get', { name: 'p' })
    ;(await channel.next()).refuse(-32602, 'no such prompt', { name: 'p' })
    void send(2, 'prompts/get', { name: 'p' })
    ;(await channel.next()).refuse(-32021, 'capability')
    expect(await heard.next()).toMatchObject({
      id: 1,
      error: { code: -32602, message: 'no such prompt', data: { name: 'p' } },
    })
    expect(await heard.next()).toMatchObject({ id: 2, error: { code: -32603 } })
  })

  it.each([
    ['a resultType that nobody declared', { resultType: 'task', taskId: 't' }, 'resultType "task"'],
  ])('fails at %s', async (_, answer, reason) => {
    const { send, channel } = openFace()
    const sent = send(1, 'prompts/get', { name: 'p' })
    ;(await channel.next()).answer(answer)
    expect(await sent).toMatchObject({ code: 'UPSTREAM_BAD_ANSWER', data: { reason } })
  })

  it('fails as its channel does, and nothing is answered', async () => {
    const { channel, heard, send } = openFace()
    const sent = send(1, 'tools/list')
    ;(await channel.next()).fail(new Error('broke off'))
    expect(await sent).toMatchObject({ message: 'broke off' })
    expect(heard.messages).toEqual([])
  })

  it.each(['notification', 'cancel'])('that the client gives up (%s) is aborted', async (how) => {
    const { face, channel, heard, send, tell } = openFace()
    const sent = send('mine', 'tools/list')
    const list = await channel.next()
    if (how === 'cancel') face.cancel('"mine"')
    else await tell({ method: 'notifications/cancelled', params: { requestId: 'mine' } })
    expect(await sent).toBeUndefined()
    expect(list.isAborted()).toBe(true)
    expect(heard.messages).toEqual([])
  })

  it('given up before its tool was known is not sent', async () => {
    const { face, channel, send } = openFace()
    const sent = send(1, 'tools/call', { name: 'weather' })
    const list = await channel.next()
    face.cancel('1')
    list.answer({ tools: [] })
    await sent
    expect(channel.sent.map(({ method }) => method)).toEqual(['tools/list'])
  })
})

describe('a call of a tool', () => {
  const params = { name: 'weather', arguments: { city: 'Zürich' } }

  it('repeats in headers the arguments that the tool declares, as it was listed once', async () => {
    const { call } = openFace()
    const first = await call(1, params, [cityTool()])
    expect(first.call.headers).toMatchObject({
      'mcp-name': 'weather',
      'mcp-param-city': '=?base64?WsO8cmljaA==?=',
    })
    const second = await call(2, { ...params, arguments: { city: 'Bern' } })
    expect(second.call.headers).toMatchObject({ 'mcp-param-city': 'Bern' })
  })

  it('is made without headers where the tools cannot be listed', async () => {
    const { channel, send } = openFace()
    void send(1, 'tools/call', params)
    ;(await channel.next()).refuse(-32603, 'm')
    const { method, headers } = await channel.next()
    expect(method).toBe('tools/call')
    expect(headers).not.toHaveProperty('mcp-param-city')
  })

  it.each([
    ['otherwise', [cityTool('Old')]],
    ['not at all', []],
  ])(
    'is made again, once, when its headers mismatch, where it was listed %s',
    async (_, before) => {
      const { channel, heard, call } = openFace()
      const first = await call(1, params, before)
      first.call.refuse(-32020, 'mismatch')
      const list = await channel.next()
      expect(list.method).toBe('tools/list')
      list.answer({ tools: [cityTool('New')] })
      const again = await channel.next()
      expect(again.headers).toHaveProperty('mcp-param-new')
      expect(again.id).not.toBe(first.call.id)
      again.refuse(-32020, 'mismatch')
      expect(await heard.next()).toMatchObject({ id: 1, error: { code: -32603 } })
      expect(channel.sent).toHaveLength(4)
    },
  )

  it('has its output as the listed schema was wrapped', async () => {
    const { heard, call } = openFace()
    const tool = { name: 'weather', inputSchema: {}, outputSchema: { type: 'number' } }
    const made = await call(1, params, [tool])
    made.call.answer({ resultType: 'complete', content: [], structuredContent: 7 })
    expect(await heard.next()).toMatchObject({ result: { structuredContent: { result: 7 } } })
  })
})
