import { once } from 'node:events'
import { answerJson, beginEvents, deadOrigin, frame, openHttp } from '@mcp-router/testkit/server'
import type { Asked } from '@mcp-router/testkit/server'
import { aRequest, backendOf, createModernHeard, httpEndpoint } from '@mcp-router/testkit/upstream'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { createHttpClient } from '../http/client.js'
import { httpChannel } from './http.js'

const channelTo = (url: string, change: Parameters<typeof httpEndpoint>[1] = {}) => {
  const client = createHttpClient({ connectTimeoutMs: 1_000 })
  onTestFinished(() => client.close())
  const endpoint = httpEndpoint(url, change)
  return httpChannel({ client, endpoint, backend: backendOf(endpoint).name })
}

const send = async (answer: (asked: Asked) => void, message = aRequest('mine')) => {
  const server = await openHttp(answer)
  const heard = createModernHeard()
  const call = channelTo(`${server.origin}/mcp`).request(message, [], heard)
  return { server, heard, call }
}

const response = (id: unknown, body: object) => ({ jsonrpc: '2.0', id, ...body })
const notice = { jsonrpc: '2.0', method: 'notifications/message', params: { data: 1 } }
const progress = (progressToken?: unknown) => ({
  jsonrpc: '2.0',
  method: 'notifications/progress',
  params: { progressToken, progress: 1 },
})

describe('a modern request over HTTP', () => {
  it('is answered with JSON', async () => {
    const answer = response('mine', { result: { content: [] } })
    const { heard } = await send((asked) => answerJson(asked, answer))
    expect(await heard.next()).toEqual(answer)
  })

  it('is answered on a stream, after the notifications that came first', async () => {
    const answer = response('mine', { result: {} })
    const { heard } = await send((asked) => {
      beginEvents(asked)
      asked.res.end(`: keepalive\n\n${frame(notice)}${frame(answer)}`)
    })
    expect([await heard.next(), await heard.next()]).toEqual([notice, answer])
  })

  it('receives progress under its own token only', async () => {
    const message = aRequest('mine', 'tools/call', { _meta: { progressToken: 't' } })
    const answer = response('mine', { result: {} })
    const { heard } = await send((asked) => {
      beginEvents(asked)
      const said = [progress('other'), progress(), progress('t'), answer, progress('t')]
      asked.res.end(said.map((each) => frame(each)).join(''))
    }, message)
    expect([await heard.next(), await heard.next()]).toEqual([progress('t'), answer])
    expect(heard.all).toHaveLength(2)
  })

  it.each([
    ['another id', 'theirs', 400],
    ['no id', null, 404],
  ])('is refused with its own id where the server refuses with %s', async (_, id, status) => {
    const error = { code: -32601, message: 'm' }
    const { heard } = await send((asked) => answerJson(asked, response(id, { error }), { status }))
    expect(await heard.next()).toEqual(response('mine', { error }))
  })

  it.each([
    ['HTTP 502', 502, '<html>', 'UPSTREAM_BAD_ANSWER'],
    ['HTTP 200 without a body', 200, '', 'UPSTREAM_BAD_ANSWER'],
    [
      'HTTP 200 with application/json that is not JSON-RPC 2.0: the member "jsonrpc" must be "2.0"',
      200,
      '{"ok":true}',
      'UPSTREAM_BAD_ANSWER',
    ],
    [
      'a response that carries another id',
      200,
      '{"jsonrpc":"2.0","id":"theirs","result":{}}',
      'UPSTREAM_BAD_ANSWER',
    ],
  ])('fails with "%s" at HTTP %i "%s"', async (reason, status, body, code) => {
    const { heard } = await send((asked) => answerJson(asked, body, { status }))
    expect(await heard.next()).toMatchObject({ code, data: { reason } })
  })

  it('fails when the stream ends without its answer', async () => {
    const { heard } = await send((asked) => {
      beginEvents(asked)
      asked.res.end(frame(notice))
    })
    await heard.next()
    expect(await heard.next()).toMatchObject({ code: 'UPSTREAM_FAILED' })
  })

  it('fails when the connection breaks in the middle of the stream', async () => {
    const { heard } = await send((asked) => {
      beginEvents(asked)
      asked.res.write(frame(notice), () => asked.res.destroy())
    })
    await heard.next()
    expect(await heard.next()).toBeInstanceOf(Error)
    expect(heard.all).toHaveLength(2)
  })

  it('fails when an event is no message', async () => {
    const { heard } = await send((asked) => {
      beginEvents(asked)
      asked.res.write('data: {"jsonrpc":"1.0"}\n\n')
    })
    expect(await heard.next()).toMatchObject({ code: 'UPSTREAM_BAD_ANSWER' })
  })

  it('hears nothing after its answer, and takes no request of the server', async () => {
    const ask = { jsonrpc: '2.0', id: 7, method: 'ping' }
    const answer = response('mine', { result: {} })
    const { server, heard } = await send((asked) => {
      beginEvents(asked)
      asked.res.end(frame(ask) + frame(answer) + frame(notice) + frame(answer))
    })
    await heard.next()
    await vi.waitUntil(() => server.asked[0]!.res.closed)
    expect(heard.all).toEqual([answer])
  })

  it('that is given up closes its connection, which the server sees', async () => {
    let begun = (): void => undefined
    const streaming = new Promise<void>((resolve) => (begun = resolve))
    const { server, heard, call } = await send((asked) => {
      beginEvents(asked)
      asked.res.write(frame(notice), begun)
    })
    await streaming
    await heard.next()
    const left = once(server.asked[0]!.res, 'close')
    call.abort()
    await left
    expect(heard.all).toEqual([notice])
  })

  it('takes its headers along, and those of the endpoint, but no session', async () => {
    const server = await openHttp((asked) => answerJson(asked, response(1, { result: {} })))
    const heard = createModernHeard()
    const channel = channelTo(`${server.origin}/mcp`, { headers: { 'x-key': 'k' } })
    channel.request(aRequest(1), ['mcp-method', 'tools/call', 'mcp-param-city', 'Bern'], heard)
    await heard.next()
    const { method, headers } = server.asked[0]!
    expect(method).toBe('POST')
    expect(headers).toMatchObject({
      accept: 'application/json, text/event-stream',
      'content-type': 'application/json',
      'mcp-method': 'tools/call',
      'mcp-param-city': 'Bern',
      'x-key': 'k',
    })
    expect(headers).not.toHaveProperty('mcp-session-id')
  })

  it('fails where nobody listens, and where a header cannot be sent', async () => {
    const url = `${await deadOrigin()}/mcp`
    const [dead, unsendable] = [createModernHeard(), createModernHeard()]
    channelTo(url).request(aRequest(1), [], dead)
    channelTo(url, { headers: { 'x-key': 'a\r\nb' } }).request(aRequest(1), [], unsendable)
    expect(await dead.next()).toMatchObject({ code: 'ECONNREFUSED' })
    expect(await unsendable.next()).toBeInstanceOf(Error)
  })
})
