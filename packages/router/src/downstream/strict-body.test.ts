import { request } from 'node:http'
import type { IncomingMessage } from 'node:http'
import { text } from 'node:stream/consumers'
import { backendOf, httpEndpoint } from '@mcp-router/testkit/backend'
import { aRequest, ask, initialize, jsonOf } from '@mcp-router/testkit/client'
import { arrayIn, begin, openGateway, overHttp } from '@mcp-router/testkit/router'
import { openEndpoint, openUsual } from '@mcp-router/testkit/server'
import { describe, expect, it } from 'vitest'

const open = async () => {
  const endpoint = await openEndpoint()
  const local = backendOf('local', [(await openUsual()).endpoint])
  const remote = backendOf('remote', [httpEndpoint(endpoint.url)])
  const gateway = await openGateway({ backends: [local, remote] })
  return { endpoint, gateway }
}

/** Sends bytes as they are and reads the answer. */
const sendBytes = async (url: string, body: Buffer, headers: Record<string, string> = {}) => {
  const accept = 'application/json, text/event-stream'
  const all = { 'content-type': 'application/json', accept, ...headers }
  const answer = await new Promise<IncomingMessage>((resolve, reject) => {
    const asking = request(url, { method: 'POST', headers: all }, resolve)
    asking.on('error', reject)
    asking.end(body)
  })
  return { status: answer.statusCode, body: JSON.parse(await text(answer)) as object }
}

const ambiguous = [
  '{"jsonrpc":"2.0","id":1,"method":"tools/call","ID":65536}',
  '{"jsonrpc":"2.0","id":1,"id":65536,"method":"tools/call"}',
  '{"jsonrpc":"2.0","id":1,"method":"ping","METHOD":"tools/call"}',
  '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"a","NAME":"b"}}',
]

describe('a body that two parsers read differently', () => {
  it.each(ambiguous)('is refused on every way to a server: %s', async (body) => {
    const { endpoint, gateway } = await open()
    const pooled = await ask(`${gateway.url}/mcp/router/route/remote`, { body })
    const { headers } = await initialize(`${gateway.url}/mcp/remote`)
    const portable = await ask(`${gateway.url}/mcp/remote`, { headers, body })
    const owned = await initialize(`${gateway.url}/mcp/local`)
    const stdio = await ask(`${gateway.url}/mcp/local`, { headers: owned.headers, body })
    for (const answer of [pooled, portable, stdio])
      expect([answer.status, jsonOf(answer)]).toEqual([
        400,
        expect.objectContaining({ error: expect.objectContaining({ code: -32600 }) }),
      ])
    expect([...endpoint.by('tools/call'), ...endpoint.by('ping')]).toEqual([])
  })

  it('is refused to a client of 2024-11-05', async () => {
    const gateway = await openGateway({
      backends: [backendOf('local', [(await openUsual()).endpoint])],
    })
    const client = await begin(gateway)
    for (const body of ambiguous) expect((await client.send(body)).status).toBe(400)
  })

  it('is refused as a member of a batch, and the others are answered', async () => {
    const { endpoint, send } = await overHttp()
    const answers = arrayIn(await send(`[${ambiguous[0]},{"jsonrpc":"2.0","id":2,"method":"m"}]`))
    expect(answers).toEqual([
      { jsonrpc: '2.0', id: 1, error: expect.objectContaining({ code: -32600 }) },
      { jsonrpc: '2.0', id: 2, result: {} },
    ])
    expect(endpoint.by('tools/call')).toEqual([])
  })
})

describe('a body that is not UTF-8 JSON', () => {
  const latin = Buffer.from('{"jsonrpc":"2.0","id":1,"method":"m","params":{"a":"\xff"}}', 'latin1')

  it('is answered 400 and reaches no server', async () => {
    const { endpoint, gateway } = await open()
    const { headers } = await initialize(`${gateway.url}/mcp/remote`)
    const pooled = await sendBytes(`${gateway.url}/mcp/router/route/remote`, latin)
    const portable = await sendBytes(`${gateway.url}/mcp/remote`, latin, headers)
    for (const answer of [pooled, portable])
      expect(answer).toMatchObject({ status: 400, body: { error: { code: -32700 } } })
    expect(endpoint.by('m')).toEqual([])
  })

  it('passes without its byte order mark', async () => {
    const { endpoint, gateway } = await open()
    const body = `\ufeff${JSON.stringify(aRequest(1, 'm', { a: 1 }))}`
    const { headers } = await initialize(`${gateway.url}/mcp/remote`)
    const answer = await ask(`${gateway.url}/mcp/remote`, { headers, body })
    expect(jsonOf(answer)).toEqual({ jsonrpc: '2.0', id: 1, result: { a: 1 } })
    expect(endpoint.by('m')[0]?.text[0]).toBe('{')
  })

  it('is refused at once where it nests deep', async () => {
    const { gateway } = await open()
    const deep = Buffer.alloc(1_000_000, '[')
    const answer = await sendBytes(`${gateway.url}/mcp/router/route/remote`, deep)
    expect(answer).toMatchObject({ status: 400, body: { error: { code: -32600 } } })
  })

  it('is refused by its type before it is looked at', async () => {
    const { gateway } = await open()
    const url = `${gateway.url}/mcp/router/route/remote`
    const headers = { 'content-type': 'text/plain' }
    const answer = await sendBytes(url, latin, headers)
    expect(answer).toMatchObject({ status: 415, body: { id: null } })
  })
})
