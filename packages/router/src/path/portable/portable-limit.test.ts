import { backendOf, httpEndpoint } from '@mcp-router/testkit/backend'
import { aRequest, ask, askedId, follow, initialize } from '@mcp-router/testkit/client'
import { openGateway, openStore } from '@mcp-router/testkit/router'
import type { TestGateway } from '@mcp-router/testkit/router'
import { openAsker } from '@mcp-router/testkit/server'
import type { AskerCall } from '@mcp-router/testkit/server'
import { describe, expect, it } from 'vitest'
import type { RouterOptions } from '../../deps.js'

const deadlineMs = 400
const passed = { error: { code: -31504 } }

/** A server that does what the method says: it asks its client, or is silent. */
const work = async (call: AskerCall): Promise<void> => {
  switch (call.method) {
    case 'ask': {
      const asked = call.ask('elicitation/create', { message: 'sure?' })
      // What it says meanwhile does not take the client's time from it.
      call.say('notifications/message', { level: 'info', data: 'asked' })
      call.end({ heard: (await asked)['result'] })
      return
    }
    case 'pinging':
      void call.ask('ping')
  }
}

const open = async (revision = '2025-06-18', options: Partial<RouterOptions> = {}) => {
  const asker = await openAsker((call) => work(call))
  const backends = [backendOf('web', [httpEndpoint(asker.url)], deadlineMs)]
  const store = openStore()
  const gateway = await openGateway({ backends, options, store })
  const path = '/mcp/web'
  const url = gateway.url + path
  const { headers, session } = await initialize(url)
  await gateway.store.sessions.update(session as never, 0, { revision })
  await gateway.router.forget(session as never)
  const question = { headers: { ...headers, accept: 'application/json, text/event-stream' } }
  const send = (body: unknown) => ask(url, { ...question, body })
  /** Resolves once the deadline of what was sent before has passed, too: that of a call that came later has. */
  const deadline = async () => {
    expect((await send(aRequest('late', 'hang'))).text).toContain('-31504')
  }
  return { asker, backends, store, gateway, path, url, question, send, deadline }
}

const answer = { jsonrpc: '2.0', id: 'q-1', result: { action: 'accept' } }
const heard = { id: 'mine', result: { heard: { action: 'accept' } } }

describe('a call of a portable session whose server asks its client', () => {
  it.each([
    ['2025-06-18', aRequest('mine', 'ask')],
    // Its events are numbered by the router.
    ['2025-11-25', aRequest('mine', 'ask')],
    ['2025-03-26', [aRequest('mine', 'ask')]],
  ])('leaves it the time to answer (%s)', async (revision, body) => {
    const { url, question, send, deadline } = await open(revision)
    const events = await follow(url, { ...question, body })
    const asked = await events.message()
    expect(asked).toMatchObject({ id: askedId('q-1'), method: 'elicitation/create' })
    expect(await events.message()).toMatchObject({ method: 'notifications/message' })
    await deadline()
    expect((await send(answer)).status).toBe(202)
    expect(await events.message()).toMatchObject(heard)
  })

  // As servers of the official SDK ask by default.
  it.each([
    ['here', (gateway: TestGateway) => gateway],
    ['at another instance', (_: TestGateway, other: TestGateway) => other],
  ])('on the stream of the session, %s, does so, too', async (_, at) => {
    const { asker, backends, store, gateway, path, question, send, deadline } = await open()
    const other = await openGateway({ backends, store, instance: 'router-instance-2' })
    const stream = await follow(at(gateway, other).url + path, { headers: question.headers })
    const call = send(aRequest('mine', 'wait'))
    const waiting = () => asker.calls.find(({ method }) => method === 'wait')
    await expect.poll(waiting).toBeDefined()
    asker.tell('elicitation/create', { message: 'sure?' }, 'q-0')
    expect(await stream.message()).toMatchObject({ id: askedId('q-0') })
    for (const id of other.asked) gateway.router.clientAsked(id)
    await deadline()
    waiting()?.end({ done: true })
    expect((await call).text).toContain('"done":true')
  })

  it('ends when that time is over', async () => {
    const { url, question } = await open('2025-06-18', { inputTtlMs: 100 })
    const events = await follow(url, { ...question, body: aRequest('mine', 'ask') })
    await events.message()
    await events.message()
    expect(await events.message()).toMatchObject({ id: 'mine', ...passed })
  })

  it('has no more time for a ping', async () => {
    const { url, question } = await open()
    const events = await follow(url, { ...question, body: aRequest('mine', 'pinging') })
    expect(await events.message()).toMatchObject({ method: 'ping' })
    expect(await events.message()).toMatchObject({ id: 'mine', ...passed })
  })
})
