import { backendOf, httpEndpoint, nodeEndpoint, sseEndpoint } from '@mcp-router/testkit/backend'
import { aRequest, ask, initialize, jsonOf } from '@mcp-router/testkit/client'
import type { Question, Told } from '@mcp-router/testkit/client'
import { begin, openGateway, openStore, revision } from '@mcp-router/testkit/router'
import { openEndpoint, openSseServer } from '@mcp-router/testkit/server'
import { useConcurrentTests } from '@mcp-router/testkit/test'
import { describe, expect, it } from 'vitest'

useConcurrentTests()

const deadlineMs = 400
const patienceMs = 4_000
const note = { jsonrpc: '2.0', method: 'notifications/roots/list_changed' }
const stream = { headers: { accept: 'text/event-stream' } }
const passed = { error: { code: -31504 } }

/** inTime asks, and sees that there is an answer soon. */
const inTime = async (url: string, question: Question): Promise<Told> => {
  const startedAt = performance.now()
  const told = await ask(url, question)
  expect(performance.now() - startedAt).toBeLessThan(deadlineMs + patienceMs / 2)
  return told
}

const open = async () => {
  const server = await openSseServer()
  const store = openStore()
  const backends = [backendOf('old', [sseEndpoint(server.url)], deadlineMs)]
  const options = { endpointPatienceMs: patienceMs }
  const gateway = await openGateway({ backends, options, store })
  return { server, store, backends, options, gateway, url: `${gateway.url}/mcp/old` }
}

const questions: [string, Question][] = [
  ['its stream', stream],
  ['a call', { body: aRequest(1, 'ping') }],
  ['a notification', { body: note }],
  ['a batch', { body: [aRequest(1, 'ping')] }],
]

it.concurrent(
  'a client’s stream has one deadline, however often its http server forgets the session',
  async () => {
    let opened = 0
    const endpoint = await openEndpoint(({ res }) => res.writeHead(405).end(), {
      greet: ({ res, message }) => {
        // It answers initialize once, and hangs from then on.
        if (opened++ > 0) return
        const head = { 'content-type': 'application/json', 'mcp-session-id': 's-1' }
        const result = { protocolVersion: '2025-06-18', capabilities: {} }
        res.writeHead(200, head).end(JSON.stringify({ jsonrpc: '2.0', id: message.id, result }))
      },
    })
    const backends = [backendOf('web', [httpEndpoint(endpoint.url)], deadlineMs)]
    const gateway = await openGateway({ backends, options: { endpointPatienceMs: patienceMs } })
    const url = `${gateway.url}/mcp/web`
    const { headers } = await initialize(url)
    const told = await inTime(url, { headers: { ...headers, ...stream.headers } })
    expect([told.status, jsonOf(told)]).toMatchObject([504, passed])
  },
)

describe.concurrent('a session whose server does not come back', () => {
  it.each(questions)('is not waited for longer than its deadline by %s', async (_, question) => {
    const { server, url } = await open()
    const { headers } = await initialize(url)
    server.down()
    const told = await inTime(url, { ...question, headers: { ...question.headers, ...headers } })
    expect([told.status, jsonOf(told)]).toMatchObject([504, passed])
  })

  it.each(questions)(
    'is not either by %s at an instance that takes it over',
    async (_, question) => {
      const { server, store, backends, options, url } = await open()
      const { headers } = await initialize(url)
      server.down()
      await store.membership.leave('router-instance-1' as never)
      const other = await openGateway({ backends, options, store, instance: 'router-instance-2' })
      const told = await inTime(`${other.url}/mcp/old`, {
        ...question,
        headers: { ...question.headers, ...headers },
      })
      expect([told.status, jsonOf(told)]).toMatchObject([504, passed])
    },
  )

  it('is not either by a message of a client of 2024-11-05', async ({ expect }) => {
    const { server, gateway } = await open()
    const { send } = await begin(gateway, { backend: 'old' })
    server.down()
    await expect.poll(async () => (await send(aRequest(1, 'ping'))).status).toBe(504)
  })

  it('is asked for again by a client of 2024-11-05 that opens its stream', async () => {
    const { server, gateway } = await open()
    const { events, lastEventId } = await begin(gateway, { backend: 'old' })
    events.response.destroy()
    server.down()
    const headers = { ...revision, 'last-event-id': lastEventId }
    const told = await inTime(`${gateway.url}/sse/old`, { headers })
    expect([told.status, told.text]).toEqual([200, expect.stringContaining('retry: ')])
  })
})

describe.concurrent('a call whose session its server has forgotten', () => {
  it('is not waited for longer than its deadline while no other is to be had', async () => {
    const { server, url } = await open()
    const { headers } = await initialize(url)
    server.forget()
    const told = await inTime(url, { headers, body: aRequest(1, 'ping') })
    expect([told.status, jsonOf(told)]).toMatchObject([504, passed])
  })
})

/** Answers `initialize` and is deaf from then on: a message stays in its pipe once that is full. */
const deaf = `
  process.stdin.once('data', (line) => {
    process.stdin.pause()
    const { id } = JSON.parse(line)
    const result = { protocolVersion: '2025-06-18', capabilities: {}, serverInfo: { name: 's', version: '1' } }
    console.log(JSON.stringify({ jsonrpc: '2.0', id, result }))
  })
  setInterval(() => undefined, 1_000)`

describe.concurrent('a server that does not take a notification', () => {
  it('is not waited for longer than its deadline', async () => {
    const gateway = await openGateway({
      backends: [backendOf('old', [nodeEndpoint(deaf)], deadlineMs)],
    })
    const url = `${gateway.url}/mcp/old`
    const { headers } = await initialize(url)
    const params = { _meta: { text: 'x'.repeat(900_000) } }
    const told = await inTime(url, { headers, body: { ...note, params } })
    expect([told.status, jsonOf(told)]).toMatchObject([504, passed])
  })
})
