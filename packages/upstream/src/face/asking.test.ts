import type { Sent } from '@mcp-router/testkit/upstream'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { openFace } from './face.fixture.js'

interface Asked {
  readonly id: string
  readonly method: string
  readonly params: Readonly<Record<string, unknown>>
}

const form = (message: string) => ({
  method: 'elicitation/create',
  params: { message, requestedSchema: { type: 'object', properties: {} } },
})
const roots = { method: 'roots/list', params: {} }

/** A session of a client that can be asked for everything, and a call of it that the server has just got. */
const openCall = async (method = 'tools/call', capabilities: object = everything) => {
  const opened = openFace()
  await opened.initialize({}, { capabilities })
  const sent = opened.send('call', method, { name: 'weather', arguments: {} })
  let call = await opened.channel.next()
  if (call.method === 'tools/list') {
    call.answer({ tools: [] })
    call = await opened.channel.next()
  }
  const asked = async () => (await opened.heard.next()) as Asked
  return { ...opened, sent, call, asked }
}

const everything = { elicitation: {}, roots: {}, sampling: {} }
const require = (call: Sent, inputRequests: object | undefined, requestState?: string): void =>
  call.answer({ resultType: 'input_required', inputRequests, requestState })

/** What a server may say that wants more, however odd. */
const say = (call: Sent, required: object): void =>
  call.answer({ resultType: 'input_required', ...required })

afterEach(() => void vi.useRealTimers())

describe('what a modern server asks', () => {
  it('is asked of the client about its call, and the answer goes up with a new call', async () => {
    const { call, asked, tell, channel, heard } = await openCall()
    require(call, { q: form('sure?') }, 'state=')
    const { id, method, params } = await asked()
    expect({ method, params }).toEqual(form('sure?'))
    expect(heard.abouts.at(-1)).toBe('"call"')
    await tell({ id, result: { action: 'accept', content: {} } })
    const again = await channel.next()
    expect(again.id).not.toBe(call.id)
    expect(again.params).toEqual({
      ...call.params,
      inputResponses: { q: { action: 'accept', content: {} } },
      requestState: 'state=',
    })
    again.answer({ resultType: 'complete', content: [] })
    expect(await heard.next()).toEqual({ jsonrpc: '2.0', id: 'call', result: { content: [] } })
  })

  it('may be several things at once, answered in whichever order', async () => {
    const { call, asked, tell, channel } = await openCall()
    require(call, { one: form('1'), two: roots })
    const [one, two] = [await asked(), await asked()]
    await tell({ id: two.id, result: { roots: [] } })
    await tell({ id: one.id, result: { action: 'decline' } })
    const { params } = await channel.next()
    expect(params['inputResponses']).toEqual({ one: { action: 'decline' }, two: { roots: [] } })
    expect(params).not.toHaveProperty('requestState')
  })

  it('may be nothing but to come again with its state, a moment later', async () => {
    const { call, channel, heard } = await openCall()
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    require(call, undefined, 'later')
    await vi.advanceTimersByTimeAsync(240)
    expect(channel.sent.at(-1)?.id).toBe(call.id)
    await vi.advanceTimersByTimeAsync(10)
    const again = await channel.next()
    expect(again.params).toEqual({ ...call.params, requestState: 'later' })
    again.answer({ content: [] })
    expect(await heard.next()).toMatchObject({ id: 'call' })
  })

  it('is not come for again once its call was taken back', async () => {
    const { call, channel, face, sent } = await openCall()
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    require(call, undefined, 'later')
    face.cancel('"call"')
    await sent
    await vi.advanceTimersByTimeAsync(1_000)
    expect(channel.sent.at(-1)?.id).toBe(call.id)
  })

  it('has only the answers and the state of its own round', async () => {
    const { call, asked, tell, channel } = await openCall()
    require(call, { first: roots }, 'one')
    await tell({ id: (await asked()).id, result: { roots: [] } })
    require(await channel.next(), { second: roots })
    await tell({ id: (await asked()).id, result: { roots: [1] } })
    expect((await channel.next()).params).toEqual({
      ...call.params,
      inputResponses: { second: { roots: [1] } },
    })
  })

  it('goes up again with the answers when the headers mismatch meanwhile', async () => {
    const { call, asked, tell, channel } = await openCall()
    require(call, { q: roots }, 's')
    await tell({ id: (await asked()).id, result: { roots: [] } })
    ;(await channel.next()).refuse(-32020, 'mismatch')
    ;(await channel.next()).answer({ tools: [] })
    expect((await channel.next()).params).toMatchObject({
      inputResponses: { q: { roots: [] } },
      requestState: 's',
    })
  })

  it('ends the call after ten rounds', async () => {
    const { call, channel, heard } = await openCall()
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    require(call, undefined, '0')
    for (let round = 1; round <= 10; round++) {
      await vi.advanceTimersByTimeAsync(250)
      require(await channel.next(), undefined, `${round}`)
    }
    const text = 'the server answered input_required more than 10 times'
    expect(await heard.next()).toMatchObject({
      id: 'call',
      result: { isError: true, content: [{ text }] },
    })
    expect(channel.sent.filter(({ method }) => method === 'tools/call')).toHaveLength(11)
  })
})

describe('what a modern server cannot ask', () => {
  const everywhere = ['tools/call', 'prompts/get', 'resources/read']
  const odd = {
    'nothing at all': {},
    'questions that are no object': { inputRequests: 'nonsense', requestState: 's' },
    'a question that is no request': { inputRequests: { q: form('sure?'), x: null } },
  }
  const each = everywhere.flatMap((method) =>
    Object.entries(odd).map(([what, required]) => [method, what, required] as const),
  )
  it.each(each)('ends its %s: %s; it is not sent again', async (method, _, required) => {
    const { call, sent, channel, heard } = await openCall(method)
    const [told, made] = [heard.messages.length, channel.sent.length]
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    say(call, required)
    const reason = expect.stringContaining('input_required') as string
    expect(await sent).toMatchObject({ code: 'UPSTREAM_BAD_ANSWER', data: { reason } })
    await vi.advanceTimersByTimeAsync(1_000)
    expect([heard.messages.length, channel.sent.length]).toEqual([told, made])
  })

  it.each(['prompts/list', 'completion/complete'])('is anything about %s', async (method) => {
    const { call, sent, channel } = await openCall(method)
    say(call, { inputRequests: { q: form('sure?') }, requestState: 's' })
    const reason = `input_required as the answer to ${method}`
    expect(await sent).toMatchObject({ code: 'UPSTREAM_BAD_ANSWER', data: { reason } })
    expect(channel.sent.at(-1)?.id).toBe(call.id)
  })
})

describe('a client that cannot or will not say', () => {
  it('is not asked for what it did not declare: its tool has an error', async () => {
    const { call, sent, heard } = await openCall('tools/call', { roots: {} })
    require(call, { q: form('sure?') })
    await sent
    expect(await heard.next()).toMatchObject({
      id: 'call',
      result: { isError: true, content: [{ text: expect.stringContaining('elicitation/create') }] },
    })
    expect(heard.messages).toHaveLength(2)
  })

  it.each([
    ['tools/call', { result: { isError: true, content: [{ type: 'text' }] } }],
    ['prompts/get', { error: { code: -32603, message: 'the client refused: no' } }],
  ])('ends its %s by refusing', async (method, answer) => {
    const { call, asked, tell, heard } = await openCall(method)
    require(call, { q: roots })
    await tell({ id: (await asked()).id, error: { code: -1, message: 'no' } })
    expect(await heard.next()).toMatchObject({ id: 'call', ...answer })
  })

  it('is told that the other questions are taken back when it refuses one', async () => {
    const { call, asked, tell, heard } = await openCall()
    require(call, { one: roots, two: form('2') })
    const [one, two] = [await asked(), await asked()]
    await tell({ id: one.id, error: { code: -1, message: 'no' } })
    expect(await heard.next()).toMatchObject({
      method: 'notifications/cancelled',
      params: { requestId: two.id },
    })
    expect(await heard.next()).toMatchObject({ id: 'call', result: { isError: true } })
  })

  it('takes its call back, and the question with it; a late answer is nothing', async () => {
    const { call, face, sent, asked, tell, heard, channel } = await openCall()
    require(call, { q: roots })
    const { id } = await asked()
    face.cancel('"call"')
    await sent
    expect(await heard.next()).toMatchObject({
      method: 'notifications/cancelled',
      params: { requestId: id },
    })
    await tell({ id, result: { roots: [] } })
    expect(channel.sent).toHaveLength(3)
    expect(heard.messages).toHaveLength(3)
  })

  it('never has two questions of the same name, whichever face asks', async () => {
    const [one, other] = [await openCall(), await openCall()]
    require(one.call, { q: roots })
    require(other.call, { q: roots })
    expect((await one.asked()).id).not.toBe((await other.asked()).id)
  })
})
