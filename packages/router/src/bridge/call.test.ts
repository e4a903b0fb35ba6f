import { backendOf, httpEndpoint } from '@mcp-router/testkit/backend'
import { aForm, canAnswer, jsonOf, modernClient, roundOf, yes } from '@mcp-router/testkit/client'
import { openGateway } from '@mcp-router/testkit/router'
import { openAsker } from '@mcp-router/testkit/server'
import type { AskerCall } from '@mcp-router/testkit/server'
import { describe, expect, it } from 'vitest'

type Json = Record<string, unknown>

const open = async (work: (call: AskerCall) => void | Promise<void>, options = {}) => {
  const asker = await openAsker(work, { logging: {} })
  const backends = [backendOf('weather', [httpEndpoint(asker.url)])]
  const gateway = await openGateway({ backends, options })
  const url = `${gateway.url}/mcp/weather`
  return { asker, gateway, client: modernClient(url, { capabilities: canAnswer }) }
}

/** Asks once and ends with what was answered. */
const askingOnce = async (call: AskerCall): Promise<void> => {
  const { result } = await call.ask('elicitation/create', aForm('sure?'))
  call.end({ content: [], heard: result })
}

describe('what a server asks during a call', () => {
  it('is asked in the answer, and the retry brings the result', async () => {
    const { asker, client } = await open(askingOnce)
    const round = roundOf(await client.tool('t', { a: 1 }))
    expect(round).toEqual({
      resultType: 'input_required',
      inputRequests: { 'input-1': { method: 'elicitation/create', params: aForm('sure?') } },
      requestState: expect.any(String) as string,
    })
    const more = { inputResponses: { 'input-1': yes, other: 1 }, requestState: round.requestState }
    expect(await client.tool('t', { a: 1 }, { more })).toMatchObject({
      id: 'm-2',
      result: { resultType: 'complete', heard: yes },
    })
    expect(asker.calls).toHaveLength(1)
    expect(asker.calls[0]?.params).toEqual({ name: 't', arguments: { a: 1 } })
  })

  it('comes in one round when it comes at once', async () => {
    const { client } = await open(async (call) => {
      const answers = await Promise.all([
        call.ask('roots/list'),
        call.ask('sampling/createMessage', { messages: [], maxTokens: 1 }),
      ])
      call.end({ heard: answers.map(({ result }) => result) })
    })
    const { inputRequests, requestState } = roundOf(await client.tool('t'))
    expect(Object.values(inputRequests).map(({ method }) => method)).toEqual([
      'roots/list',
      'sampling/createMessage',
    ])
    const inputResponses = { 'input-1': { roots: [] }, 'input-2': { role: 'assistant' } }
    const told = await client.tool('t', {}, { more: { inputResponses, requestState } })
    expect(told).toMatchObject({ result: { heard: [{ roots: [] }, { role: 'assistant' }] } })
  })

  it('is asked again as far as the retry does not answer it', async () => {
    const { client } = await open(async (call) => {
      await Promise.all([call.ask('roots/list'), call.ask('elicitation/create', aForm('sure?'))])
      call.end({ done: true })
    })
    const first = roundOf(await client.tool('t'))
    const some = { inputResponses: { 'input-1': { roots: [] } }, requestState: first.requestState }
    const second = roundOf(await client.tool('t', {}, { more: some }))
    expect(Object.keys(second.inputRequests)).toEqual(['input-2'])
    expect(second.requestState).not.toBe(first.requestState)
    const rest = { inputResponses: { 'input-2': yes }, requestState: second.requestState }
    expect(await client.tool('t', {}, { more: rest })).toMatchObject({ result: { done: true } })
  })

  it('while nobody waits is in the next round', async () => {
    const { asker, client } = await open(async (call) => {
      await call.ask('roots/list')
    })
    const first = roundOf(await client.tool('t'))
    const [call] = asker.calls
    const answered = call?.ask('elicitation/create', aForm('and?'))
    const more = { inputResponses: { 'input-1': { roots: [] } }, requestState: first.requestState }
    const second = roundOf(await client.tool('t', {}, { more }))
    expect(second.inputRequests).toMatchObject({ 'input-2': { params: { message: 'and?' } } })
    const last = { inputResponses: { 'input-2': yes }, requestState: second.requestState }
    const told = client.tool('t', {}, { more: last })
    expect(await answered).toMatchObject({ result: yes })
    call?.end({ done: true })
    expect(await told).toMatchObject({ result: { done: true } })
  })

  it('and then does without is answered to the retry at once', async () => {
    const { asker, client } = await open(async (call) => {
      await call.ask('roots/list')
    })
    const { requestState } = roundOf(await client.tool('t'))
    asker.calls[0]?.end({ done: true })
    const told = await client.tool('t', {}, { more: { requestState } })
    expect(told).toMatchObject({ result: { resultType: 'complete', done: true } })
  })

  it('and takes back is not asked', async () => {
    const { asker, client } = await open((call) => {
      void call.ask('roots/list')
      call.say('notifications/cancelled', { requestId: 'q-1' })
      void call.ask('elicitation/create', aForm('sure?'))
    })
    const { inputRequests } = roundOf(await client.tool('t'))
    expect(Object.keys(inputRequests)).toEqual(['input-2'])
    expect(asker.calls).toHaveLength(1)
  })

  it.each([
    ['that the client did not declare', { roots: {} }, 'tools/call'],
    ['by a mode that the client did not declare', { elicitation: {} }, 'tools/call'],
    ['by a method that has no such answer', canAnswer, 'prompts/list'],
  ])('%s is refused in its name', async (_, capabilities, method) => {
    const { client } = await open(async (call) => {
      const { error } = await call.ask('elicitation/create', { mode: 'url', url: 'https://a.b' })
      call.end({ error })
    })
    const told = jsonOf(await client.send(method, { name: 't' }, { capabilities }))
    expect(told).toMatchObject({ result: { resultType: 'complete', error: { code: -32601 } } })
  })
})

describe('a URL that a server says must be visited first', () => {
  const elicitations = [{ mode: 'url', elicitationId: 'e', url: 'https://a.b', message: 'go' }]

  it('is asked for, and the retry is a call anew', async () => {
    const { asker, client } = await open((call) => {
      if (asker.calls.length === 1) call.refuse(-32042, { elicitations })
      else call.end({ done: true })
    })
    const { inputRequests, requestState } = roundOf(
      jsonOf(await client.send('prompts/get', { name: 'p' })),
    )
    expect(inputRequests).toEqual({
      'url-1': {
        method: 'elicitation/create',
        params: { mode: 'url', url: 'https://a.b', message: 'go' },
      },
    })
    const params = { name: 'p', requestState, inputResponses: { 'url-1': { action: 'accept' } } }
    const told = jsonOf(await client.send('prompts/get', params))
    expect(told).toMatchObject({ result: { done: true } })
    expect(asker.calls.map((call) => call.params)).toEqual([{ name: 'p' }, { name: 'p' }])
  })
})

describe('what a server tells during a call', () => {
  const telling = (call: AskerCall): void => {
    const progressToken = (call.params['_meta'] as Json | undefined)?.['progressToken']
    call.say('notifications/progress', { progressToken, progress: 1 })
    call.say('notifications/message', { level: 'info', data: 'hello' })
    call.say('notifications/elicitation/complete', { elicitationId: 'e' })
    call.end({ done: true })
  }
  const level = { 'io.modelcontextprotocol/logLevel': 'info' }

  it.each([
    ['progress for a token', { progressToken: 7 }, ['notifications/progress']],
    ['log messages for a level', level, ['notifications/message']],
  ])('is %s', async (_, meta, methods) => {
    const { asker, client } = await open((call) => {
      if (call.method === 'prompts/get') telling(call)
      else call.end({})
    })
    const events = await client.stream('prompts/get', { name: 'p' }, { meta })
    for (const method of methods) expect(await events.message()).toMatchObject({ method })
    expect(await events.message()).toMatchObject({ id: 'm-1', result: { done: true } })
    const levels = asker.by('logging/setLevel').map(({ message }) => message.params?.['level'])
    expect(levels).toEqual('progressToken' in meta ? [] : ['info'])
  })

  it('goes to the token of the retry once there is one', async () => {
    const { client } = await open(async (call) => {
      await call.ask('roots/list')
      telling(call)
    })
    const params = { name: 'p' }
    const meta = { progressToken: 'one' }
    const { requestState } = roundOf(jsonOf(await client.send('prompts/get', params, { meta })))
    const inputResponses = { 'input-1': { roots: [] } }
    const events = await client.stream(
      'prompts/get',
      { ...params, requestState, inputResponses },
      { meta: { progressToken: 2 } },
    )
    expect(await events.message()).toMatchObject({ params: { progressToken: 2, progress: 1 } })
  })
})

describe('a call that is given up', () => {
  it('by a client that leaves ends with its session', async () => {
    const { asker, gateway, client } = await open(() => undefined)
    const leaving = new AbortController()
    const asking = client.send('prompts/get', { name: 'p' }, { signal: leaving.signal })
    asking.catch(() => undefined)
    await expect.poll(() => asker.calls.length).toBe(1)
    leaving.abort()
    await asker.calls[0]?.left
    await expect.poll(() => asker.by('DELETE').length).toBe(1)
    expect(gateway.calls()).toMatchObject([{ status: 499, outcome: 'CLIENT_LEFT' }])
  })

  it('because its client never came back ends with its session', async () => {
    const { asker, client } = await open(askingOnce, { inputTtlMs: 200 })
    const { requestState } = roundOf(await client.tool('t'))
    await asker.calls[0]?.left
    await expect.poll(() => asker.by('DELETE').length).toBe(1)
    const told = await client.tool('t', {}, { more: { requestState } })
    expect(told).toMatchObject({ id: 'm-2', error: { code: -32602 } })
  })

  it('because its instance drains ends with its session', async () => {
    const { asker, gateway, client } = await open(askingOnce)
    await client.tool('t')
    await gateway.router.drain(0)
    await asker.calls[0]?.left
    await expect.poll(() => asker.by('DELETE').length).toBe(1)
  })

  it('by its server while it is parked is told to the retry', async () => {
    const { asker, client } = await open(askingOnce)
    const { requestState } = roundOf(await client.tool('t'))
    await asker.shut()
    const params = { name: 't', arguments: {}, requestState, inputResponses: { 'input-1': yes } }
    const told = await client.send('tools/call', params)
    expect([told.status, jsonOf(told)]).toMatchObject([200, { error: { code: -31001 } }])
  })
})

describe('an answer that does not reach the server which asked', () => {
  it.each(['tools/call', 'prompts/get'])(
    'ends the call as one that may have run (%s), and its session takes no other',
    async (method) => {
      const { asker, client } = await open(askingOnce)
      const params = { name: 't' }
      const round = roundOf(jsonOf(await client.send(method, params)))
      asker.forget()
      const { requestState } = round
      const inputResponses = { 'input-1': yes }
      const told = await client.send(method, { ...params, inputResponses, requestState })
      const error =
        method === 'tools/call'
          ? { code: -31001, data: { tool: 't', repeated: false } }
          : { code: -31502 }
      expect(jsonOf(told)).toMatchObject({ error })
      expect(asker.calls).toHaveLength(1)
      roundOf(jsonOf(await client.send(method, params)))
      expect(new Set(asker.calls.map(({ session }) => session)).size).toBe(2)
    },
  )
})
