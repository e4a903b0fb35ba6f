import { backendOf, httpEndpoint } from '@mcp-router/testkit/backend'
import {
  aForm,
  ask,
  canAnswer,
  jsonOf,
  modernClient,
  questionOf,
  roundOf,
  yes,
} from '@mcp-router/testkit/client'
import { openGateway, openStore } from '@mcp-router/testkit/router'
import { deadUrl, openAsker } from '@mcp-router/testkit/server'
import { describe, expect, it } from 'vitest'
import type { InstanceId } from '@mcp-router/core'
import { signedHeaders } from '../cluster/signed.fixture.js'

const first = 'router-instance-1' as InstanceId
const args = { a: 1, b: { c: [1, 2], d: null } }

/** Two Instances of one cluster; a call is parked at the first. */
const park = async (options = {}) => {
  const asker = await openAsker(async (call) => {
    const { result } = await call.ask('elicitation/create', aForm('sure?'))
    call.end({ heard: result })
  })
  const endpoints = [httpEndpoint(asker.url)]
  const backends = [backendOf('weather', endpoints), backendOf('other', endpoints)]
  const store = openStore()
  const a = await openGateway({ backends, store, instance: first, options })
  const b = await openGateway({ backends, store, instance: 'router-instance-2', options })
  const terms = { capabilities: canAnswer }
  const [here, there] = [a, b].map(({ url }) => modernClient(`${url}/mcp/weather`, terms))
  const other = modernClient(`${a.url}/mcp/other`, terms)
  if (!here || !there) throw new Error('two gateways have two clients')
  const { requestState } = roundOf(await here.tool('t', args))
  const more = { requestState, inputResponses: { 'input-1': yes } }
  return { asker, store, a, b, here, there, other, more, requestState }
}

const invalid = { error: { code: -32602 } }
const unknown = { error: { code: -31001, data: { tool: 't', repeated: false } } }

describe('a retry', () => {
  it('at another instance goes on with the call where it is parked', async () => {
    const { asker, a, b, there, more } = await park()
    expect(await there.tool('t', args, { more })).toMatchObject({
      id: 'm-1',
      result: { resultType: 'complete', heard: yes },
    })
    expect(asker.calls).toHaveLength(1)
    expect([a.calls().at(-1)?.outcome, b.calls()]).toEqual(['ok', []])
  })

  it('may write its params in another order', async () => {
    const { here, more } = await park()
    const told = await here.tool('t', { b: { d: null, c: [1, 2] }, a: 1 }, { more })
    expect(told).toMatchObject({ result: { heard: yes } })
  })

  it.each([
    ['altered', (state: string) => state.slice(0, -2) + (state.endsWith('AA') ? 'BB' : 'AA')],
    ['cut', (state: string) => state.slice(0, 20)],
    ['empty', () => ''],
    ['no text', () => 7],
    ['of somebody else', () => 'mcpr2.abc'],
    ['endless', (state: string) => state.padEnd(5_000, 'A')],
  ])('with a state that is %s is refused', async (_, change) => {
    const { asker, here, more, requestState } = await park()
    const wrong = { ...more, requestState: change(requestState) }
    const told = await here.send('tools/call', { name: 't', arguments: args, ...wrong })
    expect(told.status).toBe(200)
    expect(JSON.parse(told.text)).toMatchObject({ id: 'm-2', ...invalid })
    expect([asker.calls.length, asker.by('POST')]).toEqual([1, []])
    // What was refused did no harm to the call.
    expect(await here.tool('t', args, { more })).toMatchObject({ result: { heard: yes } })
  })

  it.each([
    ['another principal', 't', args, { principal: 'bob' }],
    ['another tool', 'u', args, {}],
    ['other arguments', 't', { ...args, a: 2 }, {}],
    ['arguments in another order', 't', { ...args, b: { c: [2, 1], d: null } }, {}],
  ])('with a state of %s is refused', async (_, name, changed, terms) => {
    const { asker, here, more } = await park()
    expect(await here.tool(name, changed, { ...terms, more })).toMatchObject(invalid)
    expect([asker.calls.length, asker.by('POST')]).toEqual([1, []])
  })

  it('at another server or by another method is refused', async () => {
    const { here, other, more } = await park()
    expect(await other.tool('t', args, { more })).toMatchObject(invalid)
    const told = await here.send('prompts/get', { name: 't', arguments: args, ...more })
    expect(JSON.parse(told.text)).toMatchObject(invalid)
  })

  it('is good once', async () => {
    const { asker, here, there, more } = await park()
    await here.tool('t', args, { more })
    expect(await here.tool('t', args, { more })).toMatchObject(invalid)
    expect(await there.tool('t', args, { more })).toMatchObject(invalid)
    expect(asker.calls).toHaveLength(1)
  })

  it('is told that the outcome is unknown when the instance that parked the call is gone', async () => {
    const { asker, store, there, more } = await park()
    await store.membership.leave(first)
    expect(await there.tool('t', args, { more })).toMatchObject(unknown)
    expect(asker.calls).toHaveLength(1)
  })

  it('is told so when that instance cannot be reached, too', async () => {
    const { store, there, more } = await park()
    const address = (await deadUrl()).replace('/mcp', '')
    const lost = { id: first, address, pid: 1, startedAt: 1, sessions: 0 }
    await store.membership.join(lost, { evict: true })
    const told = await there.send('tools/call', { name: 't', arguments: args, ...more })
    expect([told.status, jsonOf(told)]).toMatchObject([200, unknown])
  })

  it('that was handed over goes no further', async () => {
    const { b, more } = await park()
    const target = '/internal/handoff/mcp/weather'
    const params = { name: 't', arguments: args, ...more }
    const question = questionOf('m-9', 'tools/call', params, { capabilities: canAnswer })
    const body = Buffer.from(JSON.stringify(question.body))
    const signed = signedHeaders('secret', { target, method: 'POST', principal: 'ada', body })
    const told = await ask(b.url + target, {
      ...question,
      headers: { ...question.headers, ...signed },
    })
    expect(jsonOf(told)).toMatchObject(unknown)
  })
})
