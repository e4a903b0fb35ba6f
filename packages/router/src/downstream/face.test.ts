import { backendOf, httpEndpoint } from '@mcp-router/testkit/backend'
import { aRequest, ask, follow, jsonOf } from '@mcp-router/testkit/client'
import { openGateway, openStore } from '@mcp-router/testkit/router'
import { openEndpoint, openModernEndpoint } from '@mcp-router/testkit/server'
import type { Asked } from '@mcp-router/testkit/server'
import { describe, expect, it } from 'vitest'

type Json = Record<string, unknown>

const answer = ({ res, message }: Asked, said: Json, status = 200): void => {
  res.writeHead(status, { 'content-type': 'application/json' })
  res.end(JSON.stringify({ jsonrpc: '2.0', id: message.id, ...said }))
}

const paramsOf = ({ text }: Asked): Json => (JSON.parse(text) as { params: Json }).params

/** A modern server whose tool asks two things before it answers; it knows no `initialize`. */
const asking = (asked: Asked): void => {
  const { method } = asked.message
  if (method === 'tools/list') {
    answer(asked, { result: { resultType: 'complete', tools: [], ttlMs: 0, cacheScope: 'public' } })
    return
  }
  if (method !== 'tools/call') {
    const data = { supported: ['2026-07-28'] }
    answer(asked, { error: { code: -32022, message: 'no', data } }, 400)
    return
  }
  const { inputResponses: heard, requestState } = paramsOf(asked)
  if (requestState === 'state') {
    answer(asked, { result: { resultType: 'complete', content: [], heard } })
    return
  }
  const inputRequests = {
    e: {
      method: 'elicitation/create',
      params: { mode: 'form', message: 'sure?', requestedSchema: { type: 'object' } },
    },
    s: { method: 'sampling/createMessage', params: { messages: [], maxTokens: 1 } },
  }
  const result = { resultType: 'input_required', inputRequests, requestState: 'state' }
  answer(asked, { result })
}

const initialize = aRequest(0, 'initialize', {
  protocolVersion: '2025-06-18',
  capabilities: { elicitation: {}, sampling: {} },
  clientInfo: { name: 'test', version: '1' },
})

const open = async () => {
  const endpoint = await openModernEndpoint(asking)
  const backends = [backendOf('weather', [httpEndpoint(endpoint.url)])]
  const store = openStore()
  const a = await openGateway({ backends, store, instance: 'router-instance-1' })
  const b = await openGateway({ backends, store, instance: 'router-instance-2' })
  const [here, there] = [`${a.url}/mcp/weather`, `${b.url}/mcp/weather`]
  const opened = await ask(here, { body: initialize })
  const headers = { 'mcp-session-id': String(opened.headers['mcp-session-id']) }
  return { endpoint, here, there, opened, headers }
}

describe('a session at a server that knows none', () => {
  it('opens as at one that does', async () => {
    const { opened } = await open()
    expect([opened.status, jsonOf(opened)]).toMatchObject([
      200,
      { id: 0, result: { protocolVersion: '2025-06-18', capabilities: {} } },
    ])
    expect(opened.headers['mcp-session-id']).toBeTruthy()
  })

  it('is asked on the stream of its call, and may answer at another instance', async () => {
    const { endpoint, here, there, headers } = await open()
    const body = aRequest(1, 'tools/call', { name: 't', arguments: {} })
    const accept = 'application/json, text/event-stream'
    const events = await follow(here, { headers: { ...headers, accept }, body })
    const questions = [await events.message(), await events.message()]
    expect(questions.map(({ method }) => method)).toEqual([
      'elicitation/create',
      'sampling/createMessage',
    ])
    const answers = [{ action: 'accept', content: {} }, { role: 'assistant' }]
    for (const [at, url] of [there, here].entries()) {
      const response = { jsonrpc: '2.0', id: questions[at]?.['id'], result: answers[at] }
      expect((await ask(url, { headers, body: response })).status).toBe(202)
    }
    const last = await events.message()
    const heard = { e: answers[0], s: answers[1] }
    expect(last).toEqual({ jsonrpc: '2.0', id: 1, result: { content: [], heard } })
    const calls = endpoint.asked.filter(({ message }) => message.method === 'tools/call')
    expect(new Set(calls.map(({ message }) => message.id)).size).toBe(2)
  })
})

it.each([['2026-07-28'], [null], [undefined]])(
  'a session opens at a modern server that says %j for what it speaks, and refuses initialize as one',
  async (supportedVersions) => {
    const discovered = { resultType: 'complete', supportedVersions, capabilities: {} }
    const endpoint = await openModernEndpoint(asking, { discovered })
    const gateway = await openGateway({
      backends: [backendOf('weather', [httpEndpoint(endpoint.url)])],
    })
    const opened = await ask(`${gateway.url}/mcp/weather`, { body: initialize })
    expect([opened.status, jsonOf(opened)]).toMatchObject([200, { result: { capabilities: {} } }])
    expect(opened.headers['mcp-session-id']).toBeDefined()
  },
)

describe('a session at a server of both eras', () => {
  it('is its own, not a face', async () => {
    const endpoint = await openEndpoint((asked) => {
      const { res, message } = asked
      res.writeHead(200, { 'content-type': 'application/json' })
      const result =
        message.method === 'server/discover'
          ? { supportedVersions: ['2026-07-28'], capabilities: {} }
          : { session: asked.headers['mcp-session-id'] }
      res.end(JSON.stringify({ jsonrpc: '2.0', id: message.id, result }))
    })
    const backends = [backendOf('weather', [httpEndpoint(endpoint.url)])]
    const gateway = await openGateway({ backends })
    const url = `${gateway.url}/mcp/weather`
    const opened = await ask(url, { body: initialize })
    const headers = { 'mcp-session-id': String(opened.headers['mcp-session-id']) }
    const told = await ask(url, { headers, body: aRequest(1, 'tools/call', { name: 't' }) })
    expect(jsonOf(told)).toMatchObject({ id: 1, result: { session: 's-1' } })
    expect(endpoint.by('server/discover')).toEqual([])
  })
})
