import { once } from 'node:events'
import { aRequest, ask, follow, initialize, jsonOf } from '@mcp-router/testkit/client'
import {
  arrayIn,
  eventsIn,
  openGateway,
  openStore,
  overHttp,
  overStdio,
  stdioOf,
} from '@mcp-router/testkit/router'
import { echo } from '@mcp-router/testkit/server'
import type { Asked } from '@mcp-router/testkit/server'
import { describe, expect, it } from 'vitest'

const notify = (method: string, params: object = {}) => ({ jsonrpc: '2.0', method, params })
const claim = { _meta: { 'io.modelcontextprotocol/protocolVersion': '2026-07-28' } }
const event = (message: object): string => `data: ${JSON.stringify(message)}\n\n`
const stream = { 'content-type': 'text/event-stream' }

describe.each([
  ['a portable session', overHttp],
  ['an owned session', overStdio],
] as const)('a batch within %s', (_, open) => {
  it('is answered with one array of all responses, ids as they came', async () => {
    const { gateway, send } = await open()
    const told = await send([aRequest(1, 'echo', { a: 1 }), notify('x'), aRequest('1', 'echo')])
    expect(arrayIn(told)).toMatchObject([
      { jsonrpc: '2.0', id: '1', result: {} },
      { jsonrpc: '2.0', id: 1, result: { a: 1 } },
    ])
    expect(gateway.calls().at(-1)).toMatchObject({ method: 'batch', status: 200, outcome: 'ok' })
    expect(gateway.router.calls()).toBe(0)
  })

  it('is accepted where there is nothing to answer', async () => {
    const { send } = await open()
    const response = { jsonrpc: '2.0', id: 'server-1', result: {} }
    expect(await send([notify('x'), response])).toMatchObject({ status: 202, text: '' })
  })

  it('tells of a malformed member under its id, the rest goes on', async () => {
    const { send } = await open()
    const told = await send([{ id: 2, method: 'echo' }, aRequest(1, 'echo'), 7])
    expect(arrayIn(told)).toMatchObject([
      { id: 1, result: {} },
      { id: 2, error: { code: -32600 } },
    ])
    expect(arrayIn(await send([{ id: 2, method: 'echo' }]))).toMatchObject([{ id: 2 }])
    expect((await send([7, notify('x')])).status).toBe(202)
  })

  it('may have a hundred messages', async () => {
    const { send } = await open()
    const hundred = Array.from({ length: 100 }, (_each, n) => aRequest(n, 'echo'))
    expect(arrayIn(await send(hundred))).toHaveLength(100)
  })

  it.each([
    ['is empty', [], /batch is empty/],
    ['has initialize', [aRequest(1, 'echo'), aRequest(2, 'initialize')], /initialize must not/],
    ['has more', Array.from({ length: 101 }, (_each, n) => aRequest(n, 'echo')), /at most 100/],
    ['has an id twice', [aRequest(1, 'echo'), aRequest(1, 'echo')], /have the id 1/],
    ['has a modern member', [aRequest(1, 'echo'), aRequest(2, 'echo', claim)], /2025-06-18/],
    ['has no message', [7, null, [aRequest(1, 'echo')]], /send one JSON-RPC 2.0/],
  ])('is refused as a whole when it %s', async (_what, body, says) => {
    const { send } = await open()
    const told = await send(body)
    expect([told.status, jsonOf(told)]).toMatchObject([400, { id: null, error: { code: -32600 } }])
    expect(told.text).toMatch(says)
    expect(jsonOf(await send(aRequest(1, 'echo')))).toMatchObject({ id: 1, result: {} })
  })

  it('keeps in the record what a successor needs', async () => {
    const { gateway, session, send } = await open()
    await send([aRequest(1, 'logging/setLevel', { level: 'debug' }), aRequest(2, 'echo')])
    const record = await gateway.store.sessions.find(session as never)
    expect(record).toMatchObject({ loggingLevel: 'debug' })
  })
})

describe('a batch is refused, with a word on when they were removed,', () => {
  const body = [aRequest(1, 'echo')]

  it.each([
    ['of an owned session', () => overStdio('2025-06-18'), {}],
    ['of a portable session', () => overHttp(echo, '2025-11-25'), {}],
    ['without a session', overHttp, { 'mcp-session-id': '' }],
    ['of a modern client', overHttp, { 'mcp-protocol-version': '2026-07-28' }],
  ])('%s', async (_, open, headers) => {
    const { send } = await open()
    const told = await send(body, headers)
    expect([told.status, jsonOf(told)]).toMatchObject([400, { error: { code: -32600 } }])
    expect(told.text).toContain('removed in revision 2025-06-18; send one message per POST')
  })

  it('but not where the session is unknown, or the media type wrong', async () => {
    const { send } = await overHttp()
    expect((await send(body, { 'mcp-session-id': 'nobody' })).status).toBe(404)
    expect((await send(body, { 'content-type': 'text/plain' })).status).toBe(415)
    expect((await send(body, { accept: 'text/plain' })).status).toBe(406)
    expect(jsonOf(await send('[1,'))).toMatchObject({ error: { code: -32700 } })
  })
})

describe('the members of a batch at an endpoint', () => {
  it('whose outcome is unknown are told what a single one is', async () => {
    const { send } = await overHttp(({ res }) => void res.destroy())
    const data = { method: 'odd', requestId: 'one', repeated: false, sentAt: expect.any(String) }
    expect(arrayIn(await send([aRequest(1, 'odd')], { 'x-request-id': 'one' }))).toMatchObject([
      { id: 1, error: { code: -31001, data } },
    ])
  })

  it('come one by one as they were written, with the headers of the session', async () => {
    const { endpoint, send } = await overHttp()
    const one = '{ "id": 1,"x":1.50,"method":"echo",\n"jsonrpc":"2.0" }'
    const other = '{"jsonrpc":"2.0","method":"n","params":{"big":12345678901234567890}}'
    await send(`[${other},${one}]`, { traceparent: 'trace' })
    const came = endpoint.asked.slice(1)
    expect(came.map(({ text }) => text)).toEqual([other, one])
    expect(came[1]!.headers).toMatchObject({
      'mcp-session-id': 's-1',
      'mcp-protocol-version': '2025-03-26',
      traceparent: 'trace',
    })
  })

  it('answered by a stream make the answer a stream, each message an event of it', async () => {
    const { send } = await overHttp((asked) => {
      const { id, method } = asked.message
      if (method !== 'work') {
        echo(asked)
        return
      }
      asked.res.writeHead(200, stream).write(event(notify('notifications/message')))
      asked.res.write(event(notify('notifications/progress', { progressToken: 1 })))
      // It is left open behind the response, as servers may.
      asked.res.write(event({ jsonrpc: '2.0', id, result: { done: true } }))
    })
    const events = eventsIn(await send([aRequest(1, 'work'), aRequest(2, 'echo')]))
    expect(events).toHaveLength(3)
    expect(events).toContainEqual(notify('notifications/message'))
    expect(events).toContainEqual({ jsonrpc: '2.0', id: 1, result: { done: true } })
    expect(events).toContainEqual({ jsonrpc: '2.0', id: 2, result: {} })
  })

  it.each<[string, (asked: Asked) => void, number, RegExp]>([
    [
      'broke off',
      ({ res }) => void res.destroy(),
      -31001,
      /server .* closed the connection before responding/,
    ],
    [
      'ended without a response',
      ({ res }) => void res.writeHead(200, stream).end(),
      -31001,
      /its stream ended without a response/,
    ],
    [
      'was no message',
      ({ res }) => void res.writeHead(200, stream).end('data: x\n\n'),
      -31502,
      /returned an invalid MCP response/,
    ],
    ['was a page', ({ res }) => void res.writeHead(500).end('<h1>'), -31502, /HTTP 500/],
    [
      'was refused under no id',
      ({ res }) => {
        const error = { code: -32602, message: 'no' }
        res.writeHead(400).end(JSON.stringify({ jsonrpc: '2.0', id: null, error }))
      },
      -32602,
      /^no$/,
    ],
  ])('whose answer %s are told so, the others are answered', async (_, fail, code, says) => {
    const { gateway, send } = await overHttp((asked) =>
      asked.message.method === 'odd' ? fail(asked) : echo(asked),
    )
    const told = await send([aRequest(1, 'odd'), aRequest(2, 'echo')])
    expect(arrayIn(told)).toMatchObject([
      { id: 1, error: { code, message: expect.stringMatching(says) } },
      { id: 2, result: {} },
    ])
    expect(gateway.router.calls()).toBe(0)
  })

  it('without an answer that are refused there are refused here', async () => {
    const { endpoint, send } = await overHttp(({ res }) => void res.writeHead(400).end())
    const response = { jsonrpc: '2.0', id: 'server-1', result: {} }
    const told = await send([notify('x'), response])
    expect([told.status, jsonOf(told)]).toMatchObject([400, { id: null, error: { code: -32600 } }])
    expect(endpoint.asked).toHaveLength(3)
  })

  it('are broken off when the client leaves', async () => {
    const { endpoint, gateway, url, headers } = await overHttp(() => undefined)
    const leaving = new AbortController()
    const body = [aRequest(1, 'hang'), aRequest(2, 'hang')]
    ask(url, { headers, body, signal: leaving.signal }).catch(() => undefined)
    await expect.poll(() => endpoint.by('hang').length).toBe(2)
    const gone = Promise.all(endpoint.by('hang').map(({ res }) => once(res, 'close')))
    leaving.abort()
    await gone
    await expect.poll(() => gateway.calls().at(-1)).toMatchObject({ status: 499 })
    expect(gateway.router.calls()).toBe(0)
  })
})

describe('the members of a batch at a command', () => {
  it('with progress make the answer a stream, what was answered before goes along', async () => {
    const { send } = await overStdio()
    const params = { _meta: { progressToken: 't' } }
    expect(eventsIn(await send([aRequest(1, 'echo'), aRequest(2, 'work', params)]))).toMatchObject([
      { id: 1, result: {} },
      { method: 'notifications/progress' },
      { id: 2, result: { done: true } },
    ])
  })

  it('arrive in their order', async () => {
    const { send } = await overStdio()
    const answer = { jsonrpc: '2.0', id: 'server-1', result: { roots: ['a'] } }
    const told = await send([notify('x'), answer, aRequest(1, 'heard')])
    expect(arrayIn(told)).toMatchObject([{ id: 1, result: { answer: { roots: ['a'] } } }])
  })

  it('are told when it ends before it answered', async () => {
    const { send } = await overStdio()
    const told = await send([aRequest(1, 'echo'), aRequest(2, 'hang'), notify('exit')])
    expect(arrayIn(told)).toMatchObject([
      { id: 1, result: {} },
      { id: 2, error: { code: -31001, data: { method: 'hang' } } },
    ])
  })

  it('may not take an id that is in flight', async () => {
    const { gateway, send } = await overStdio()
    send(aRequest(1, 'hang')).catch(() => undefined)
    await expect.poll(() => gateway.router.calls()).toBe(1)
    expect(arrayIn(await send([aRequest(1, 'echo'), aRequest(2, 'echo')]))).toMatchObject([
      { id: 1, error: { code: -32600 } },
      { id: 2, result: {} },
    ])
  })

  it('are passed by the owner when they land elsewhere', async () => {
    const store = openStore()
    const backends = [await stdioOf()]
    const a = await openGateway({ backends, store, instance: 'router-instance-1' })
    const b = await openGateway({ backends, store, instance: 'router-instance-2' })
    const { headers } = await initialize(`${a.url}/mcp/local`)
    const body = [aRequest(1, 'echo'), notify('x'), aRequest(2, 'echo')]
    const told = await ask(`${b.url}/mcp/local`, { headers, body })
    expect(arrayIn(told)).toMatchObject([{ id: 1 }, { id: 2 }])
    expect([a.calls().at(-1)?.method, b.calls()]).toEqual(['batch', []])
  })
})

describe('a batch of a client of 2024-11-05', () => {
  const open = async (revision?: string) => {
    const gateway = await openGateway({ backends: [await stdioOf(revision)] })
    const events = await follow(`${gateway.url}/sse/local`)
    const address = new URL((await events.next()).data.toString(), gateway.url).href
    await ask(address, { body: aRequest(0, 'initialize') })
    await events.message()
    return { events, send: (body: unknown) => ask(address, { body }) }
  }

  it('is accepted, its answers come on the stream one by one', async () => {
    const { events, send } = await open()
    const told = await send([aRequest(1, 'echo'), notify('x'), aRequest('2', 'echo')])
    expect(told.status).toBe(202)
    expect([await events.message(), await events.message()]).toMatchObject([{ id: 1 }, { id: '2' }])
  })

  it.each([
    ['malformed', [aRequest(1, 'echo'), { id: 2 }], undefined, /must be \\"2.0\\"/],
    ['initialize', [aRequest(1, 'initialize')], undefined, /initialize must not/],
    ['of a revision without batches', [aRequest(1, 'echo')], '2025-06-18', /one message per POST/],
  ])('is refused when a member is %s', async (_, body, revision, says) => {
    const { events, send } = await open(revision)
    const told = await send(body)
    expect([told.status, jsonOf(told)]).toMatchObject([400, { error: { code: -32600 } }])
    expect(told.text).toMatch(says)
    await send(aRequest(3, 'echo'))
    expect(await events.message()).toMatchObject({ id: 3 })
  })
})
