import { gzipSync } from 'node:zlib'
import { backendOf, httpEndpoint } from '@mcp-router/testkit/backend'
import { aRequest, ask, initialize, jsonOf, modernClient } from '@mcp-router/testkit/client'
import type { Told } from '@mcp-router/testkit/client'
import { openGateway, openStore } from '@mcp-router/testkit/router'
import { echo, openAsker, openEndpoint, openUsual } from '@mcp-router/testkit/server'
import type { Asked } from '@mcp-router/testkit/server'
import { describe, expect, it } from 'vitest'

/** Answers as a stream, a notification before the response; `ends` without one. */
const streaming = ({ res, message }: Asked): void => {
  const event = (body: object): string =>
    `event: message\ndata: ${JSON.stringify({ jsonrpc: '2.0', ...body })}\n\n`
  res.writeHead(200, { 'content-type': 'text/event-stream' })
  res.write(event({ method: 'notifications/message', params: {} }))
  if (message.method === 'ends') res.end()
  else res.end(event({ id: message.id, result: message.params ?? {} }))
}

const open = async () => {
  const [plain, streamed] = [await openEndpoint(echo), await openEndpoint(streaming)]
  const asker = await openAsker(async (call) => call.end(await call.ask('roots/list')))
  const backends = [
    backendOf('owned', [(await openUsual()).endpoint]),
    backendOf('json', [httpEndpoint(plain.url)]),
    backendOf('stream', [httpEndpoint(streamed.url)]),
    backendOf('asker', [httpEndpoint(asker.url)]),
  ]
  const store = openStore()
  const a = await openGateway({ backends, store, instance: 'router-instance-1' })
  const b = await openGateway({ backends, store, instance: 'router-instance-2' })
  return { a, b }
}

const eventsOf = ({ text }: Told): readonly unknown[] =>
  text
    .split('\n')
    .filter((line) => line.startsWith('data:'))
    .map((line) => JSON.parse(line.slice(5)) as unknown)

const work = aRequest(1, 'work', { _meta: { progressToken: 1 } })

describe.each(['application/json', 'Application/JSON;q=0.9', 'application/*'])(
  'a client that accepts %s only',
  (accept) => {
    it.each(['owned', 'json', 'stream'])('opens a session of %s and calls', async (name) => {
      const { a, b } = await open()
      const { told, headers } = await initialize(`${a.url}/mcp/${name}`, { accept })
      expect([told.status, told.headers['content-type']]).toEqual([200, 'application/json'])
      for (const { url } of [a, b]) {
        const answer = await ask(`${url}/mcp/${name}`, { headers, body: work })
        expect([answer.status, answer.headers['content-type']]).toEqual([200, 'application/json'])
        expect(answer.headers).not.toHaveProperty('x-accel-buffering')
        expect(Number(answer.headers['content-length'])).toBe(Buffer.byteLength(answer.text))
        expect(jsonOf(answer)).toMatchObject({ id: 1, result: expect.anything() })
      }
      expect(
        a
          .calls()
          .concat(b.calls())
          .map(({ outcome }) => outcome),
      ).toEqual(['ok', 'ok', 'ok'])
    })
  },
)

describe('a client that accepts application/json only', () => {
  const accept = 'application/json'

  it('is told that it cannot be asked, at once', async () => {
    const { a } = await open()
    const { headers } = await initialize(`${a.url}/mcp/asker`, { accept })
    const told = await ask(`${a.url}/mcp/asker`, { headers, body: aRequest(1, 'go') })
    expect([told.status, jsonOf(told)]).toMatchObject([406, { id: 1, error: { code: -32000 } }])
    expect(told.text).toContain('must accept text/event-stream, as the server asks it something')
  })

  it('is told that a stream ended without a response', async () => {
    const { a } = await open()
    const { headers } = await initialize(`${a.url}/mcp/stream`, { accept })
    const told = await ask(`${a.url}/mcp/stream`, { headers, body: aRequest(1, 'ends') })
    expect([told.status, jsonOf(told)]).toMatchObject([200, { id: 1, error: { code: -31001 } }])
  })

  it('cannot follow a stream', async () => {
    const { a } = await open()
    const { headers } = await initialize(`${a.url}/mcp/owned`, { accept })
    expect((await ask(`${a.url}/mcp/owned`, { headers })).status).toBe(406)
    const listening = modernClient(`${a.url}/mcp/owned`, { headers: { accept } })
    const told = await listening.send('subscriptions/listen', { notifications: {} })
    expect(told.status).toBe(406)
  })

  it('of 2026-07-28 is answered likewise', async () => {
    const { a } = await open()
    for (const path of ['/mcp/stream', '/mcp/router/route/stream']) {
      const client = modernClient(a.url + path, { headers: { accept } })
      const told = await client.send('work', { n: 1, _meta: { progressToken: 1 } })
      expect([told.status, told.headers['content-type']]).toEqual([200, 'application/json'])
      expect(jsonOf(told)).toMatchObject({ id: expect.stringMatching(/^m-/) })
    }
  })
})

describe('a client that accepts text/event-stream only', () => {
  it.each(['owned', 'json', 'stream'])('is answered by %s with events', async (name) => {
    const { a, b } = await open()
    const { told, headers } = await initialize(`${a.url}/mcp/${name}`, {
      accept: 'text/event-stream',
    })
    expect([told.status, eventsOf(told)]).toMatchObject([200, [{ id: 0, result: {} }]])
    for (const { url } of [a, b]) {
      const answer = await ask(`${url}/mcp/${name}`, { headers, body: aRequest(1, 'echo') })
      expect(answer.headers).toMatchObject({
        'content-type': 'text/event-stream',
        'x-accel-buffering': 'no',
      })
      expect(eventsOf(answer).at(-1)).toMatchObject({ id: 1, result: expect.anything() })
      const initialized = { jsonrpc: '2.0', method: 'notifications/initialized' }
      expect((await ask(`${url}/mcp/${name}`, { headers, body: initialized })).status).toBe(202)
      const unknown = { ...headers, 'mcp-session-id': 'nobody' }
      const refused = await ask(`${url}/mcp/${name}`, { headers: unknown, body: work })
      expect([refused.status, refused.headers['content-type']]).toEqual([404, 'application/json'])
    }
  })
})

describe('a body with a content coding', () => {
  it.each(['/mcp/json', '/mcp/router/route/json', '/mcp/json/message?sessionId=s'])(
    'is refused at %s, before it is read',
    async (path) => {
      const { a } = await open()
      const body = gzipSync(JSON.stringify(work)).toString('latin1')
      const headers = { 'content-encoding': 'GZIP' }
      const told = await ask(a.url + path, { headers, body })
      expect([told.status, told.headers['accept-encoding']]).toEqual([415, 'identity'])
      expect(told.text).toContain('without Content-Encoding')
    },
  )

  it('that is none is taken', async () => {
    const { a } = await open()
    const headers = { 'content-encoding': 'identity' }
    const told = await ask(`${a.url}/mcp/router/route/json`, { headers, body: work })
    expect(told.status).toBe(200)
  })
})
