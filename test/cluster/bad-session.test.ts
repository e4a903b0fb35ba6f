import { until } from '@mcp-router/testkit/wait'
import { describe, expect, it } from 'vitest'
import { converse } from '../harness/conversation.js'
import { ask, jsonHeaders, post } from '../harness/http.js'
import { expectRefusal } from '../harness/refusal.js'
import type { Refusal } from '../harness/refusal.js'
import { request, textOf, toolCall } from '../harness/rpc.js'
import { oddStdioEntry } from '../harness/backends.js'
import { useCluster } from '../harness/use-cluster.js'

const clientInfo = { name: 'test', version: '1' }
const cluster = useCluster({ servers: { stdio: oddStdioEntry } })
const entrances = ['nginx', 'instance'] as const
const unknown = '6f1f7a0e-0000-4000-8000-000000000000'

const noSession: Refusal = { status: 400, code: -32000, says: /send initialize first/, id: 9 }
const notFound: Refusal = {
  status: 404,
  code: -32001,
  says: /send initialize to open a new session/,
  id: 9,
}

describe.each(entrances)('through %s', (entrance) => {
  const base = (): string => (entrance === 'nginx' ? cluster().gateway : cluster().instances[1])
  const call = toolCall(9, 'echo', { text: 'x' })

  it('says to an http client without a session that it needs one', async () => {
    expectRefusal(await post(`${base()}/mcp/stdio`, call), noSession)
    const ended = await ask(`${base()}/mcp/stdio`, { method: 'DELETE' })
    expectRefusal(ended, { ...noSession, id: null })
    const followed = await ask(`${base()}/mcp/stdio`, { headers: { accept: 'text/event-stream' } })
    expect(followed.status).toBe(405)
    expect(followed.headers.allow).toContain('POST')
  })

  it('says to an http client with an unknown session that it may start anew', async () => {
    const headers = { 'mcp-session-id': unknown }
    const url = `${base()}/mcp/stdio`
    expectRefusal(await post(url, call, headers), notFound)
    const gone = { ...notFound, id: null }
    expectRefusal(await ask(url, { method: 'DELETE', headers }), gone)
    const follow = { headers: { ...headers, accept: 'text/event-stream' } }
    expectRefusal(await ask(url, follow), gone)
  })

  it('says the same to an sse client', async () => {
    const url = `${base()}/mcp/stdio/message`
    expectRefusal(await post(url, call), noSession)
    expectRefusal(await post(`${url}?sessionId=${unknown}`, call), notFound)
    expectRefusal(await post(`${base()}/mcp/message?sessionId=${unknown}`, call), notFound)
  })

  it('says which types an http client must accept', async () => {
    const client = await converse('http', { base: base(), backend: 'stdio' })
    for (const accept of ['text/plain', 'application/json;q=0']) {
      const answer = await post(client.url, call, { ...client.headers, accept })
      const says = /must accept application\/json or text\/event-stream/
      expectRefusal(answer, { status: 406, code: -32000, says, id: 9 })
    }
    const follow = { headers: { ...client.headers, accept: 'application/json' } }
    const says = /must accept text\/event-stream/
    expectRefusal(await ask(client.url, follow), { status: 406, code: -32000, says })
    expect(textOf(await client.ask(call))).toBe('x')
    await client.close()
  })

  it('says which revisions there are', async () => {
    const client = await converse('http', { base: base(), backend: 'stdio' })
    const headers = { ...client.headers, 'mcp-protocol-version': '1999-12-31' }
    expectRefusal(await post(client.url, call, headers), {
      status: 400,
      code: -32000,
      says: /Unsupported protocol version: 1999-12-31 \(supported: 2024-11-05, 2025-03-26/,
      id: 9,
    })
    expect(textOf(await client.ask(call))).toBe('x')
    await client.close()
  })

  it('opens another session for an initialize that names one, and leaves that alone', async () => {
    const client = await converse('http', { base: base(), backend: 'stdio' })
    const params = { protocolVersion: '2025-06-18', capabilities: {}, clientInfo }
    const again = await client.send(request(9, 'initialize', params))
    expect(again.status).toBe(200)
    expect(again.headers['mcp-session-id']).toMatch(/./)
    expect(again.headers['mcp-session-id']).not.toBe(client.session)
    expect(textOf(await client.ask(call))).toBe('x')
    await client.close()
  })

  it('refuses a second request under an id that is in flight', async () => {
    const client = await converse('http', { base: base(), backend: 'stdio' })
    const slow = client.ask(toolCall(9, 'slow', { ms: 1_000, key: 'first' }))
    const arrived = toolCall('arrived', 'count', { key: 'first' })
    await until('the first to arrive', async () => textOf(await client.ask(arrived)) === '1')
    const second = await client.send(call)
    expectRefusal(second, { status: 400, code: -32600, says: /id 9 is already in flight/, id: 9 })
    expect(textOf(await slow)).toBe('awake')
    await client.close()
  })

  it('says to a call that a response has no place there', async () => {
    const answer = await post(`${base()}/mcp/router/route/stdio`, {
      jsonrpc: '2.0',
      id: 9,
      result: {},
    })
    expectRefusal(answer, { status: 400, code: -32600, says: /belongs to a session/, id: 9 })
  })

  it('says at an unknown address which there are', async () => {
    const all = 'MCP is at /mcp/<server>, /sse/<server>'
    for (const [path, says] of [
      ['/', all],
      ['/mcp/', 'name a server: /mcp/<server>'],
      ['/mcp/stdio/else', all],
      ['/mcp/router/route/', 'name a server: /mcp/router/route/<server>'],
      ['/sse', '/sse?serviceName=<server>'],
      ['/messages', all],
    ] as const) {
      const answer = await ask(`${base()}${path}`, {
        method: 'POST',
        headers: jsonHeaders,
        body: call,
      })
      expect([path, answer.status]).toEqual([path, 404])
      expect(answer.text).toContain(says)
    }
  })

  it('names the known servers where an sse client asks for another', async () => {
    const says = /"nobody": known are mcp-server-v6, everything, stdio/
    for (const path of ['/sse/nobody', '/sse?serviceName=nobody', '/mcp/nobody'])
      expectRefusal(await ask(`${base()}${path}`, { headers: { accept: 'text/event-stream' } }), {
        status: 404,
        code: -31404,
        says,
      })
  })
})
