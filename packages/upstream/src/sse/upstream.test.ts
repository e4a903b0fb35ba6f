import { once } from 'node:events'
import { answerJson, beginEvents, deadOrigin, frame, openHttp } from '@mcp-router/testkit/server'
import type { Asked } from '@mcp-router/testkit/server'
import { aRequest } from '@mcp-router/testkit/upstream'
import { describe, expect, it } from 'vitest'
import { SessionLost } from '../upstream.js'
import { connect, endpointEvent, serve } from './sse.fixture.js'
import { maybeStreamable } from './upstream.js'

const jsonrpc = '2.0'

describe('an address', () => {
  it.each(['/message?sessionId=1', 'message?sessionId=1'])(
    'that the server announces as %s is where messages are posted',
    async (address) => {
      const { server } = await serve(endpointEvent(address))
      const { upstream } = await connect(server.origin)
      await upstream.send(aRequest(7, 'ping'))
      expect(server.asked.map(({ method, path }) => [method, path])).toEqual([
        ['GET', '/sse'],
        ['POST', '/message?sessionId=1'],
      ])
      expect(server.asked.map(({ headers }) => headers['x-key'])).toEqual(['k', 'k'])
      expect(server.asked[0]?.headers.accept).toBe('text/event-stream')
      expect(server.asked[1]?.message).toMatchObject({ id: 7, method: 'ping' })
    },
  )

  it('may be a whole URL of the same origin', async () => {
    const { server } = await serve('')
    const opening = connect(server.origin)
    await expect.poll(() => server.asked.length).toBe(1)
    server.asked[0]!.res.write(endpointEvent(`${server.origin}/there`))
    await (await opening).upstream.send(aRequest(1))
    expect(server.asked[1]?.path).toBe('/there')
  })

  it.each(['http://example.com/message', '//example.com/message', 'http://[broken'])(
    'of another origin (%s) is refused, and the stream is ended',
    async (address) => {
      const { server, stream } = await serve(endpointEvent(address))
      await expect(connect(server.origin)).rejects.toMatchObject({ code: 'UPSTREAM_BAD_ANSWER' })
      if (!stream().closed) await once(stream(), 'close')
    },
  )
})

describe('a server that cannot be reached', () => {
  it('is told as such', async () => {
    const code = 'NO_HEALTHY_ENDPOINT'
    await expect(connect(await deadOrigin())).rejects.toMatchObject({ code })
  })

  it.each([
    ['answers 404', (asked: Asked) => void asked.res.writeHead(404).end()],
    ['answers no stream', (asked: Asked) => answerJson(asked, '{}')],
    [
      'ends before it says where to post',
      (asked: Asked) => {
        beginEvents(asked)
        asked.res.end()
      },
    ],
  ])('is one that %s', async (_, answer) => {
    const { origin } = await openHttp(answer)
    await expect(connect(origin)).rejects.toMatchObject({ code: 'NO_HEALTHY_ENDPOINT' })
  })
})

it('a path without a server is told as such', async () => {
  const { origin } = await openHttp((asked) => void asked.res.writeHead(404).end())
  const reason = expect.stringMatching(/^opening [^ ]*: HTTP 404$/)
  await expect(connect(origin)).rejects.toMatchObject({ data: { reason, todo: maybeStreamable } })
})

it.each([400, 405, 406])(
  'a server that answers the GET with %s is said to be another',
  async (status) => {
    const { origin } = await openHttp((asked) => void asked.res.writeHead(status).end())
    const reason = expect.stringMatching(`: HTTP ${status}; ${maybeStreamable}`)
    const code = 'BACKEND_MISCONFIGURED'
    await expect(connect(origin)).rejects.toMatchObject({ code, data: { reason } })
  },
)

it('an answer that is no stream is told as such', async () => {
  const { origin } = await openHttp((asked) => answerJson(asked, '{}'))
  const reason = expect.stringMatching(/: HTTP 200, no event stream$/)
  await expect(connect(origin)).rejects.toMatchObject({ data: { reason, todo: maybeStreamable } })
})

describe('messages', () => {
  it('are taken once the server says so, though the answer to a POST has no end', async () => {
    const { server } = await serve(endpointEvent('/m'), ({ res }) => {
      res.writeHead(202).write('Acc')
    })
    const { upstream } = await connect(server.origin)
    await upstream.send(aRequest('a'))
  })

  it('of the server come by the stream, the answer to a POST too', async () => {
    const { server, stream } = await serve(endpointEvent('/m'), (asked) => {
      stream().write(': ping\r\n\r\n')
      stream().write(`event: message\r\n${frame({ jsonrpc, id: asked.message.id, result: {} })}`)
      asked.res.writeHead(202).end('Accepted')
    })
    const { heard, upstream } = await connect(server.origin)
    await upstream.send(aRequest('a'))
    expect(await heard.next()).toEqual({ jsonrpc, id: 'a', result: {} })
  })

  it('right behind the address are heard', async () => {
    const ping = frame({ jsonrpc, id: 1, method: 'ping' })
    const { server } = await serve(endpointEvent('/m') + ping)
    const { heard } = await connect(server.origin)
    expect(await heard.next()).toMatchObject({ id: 1, method: 'ping' })
  })

  it.each([
    ['404', 404, ''],
    ['400 "No transport found for sessionId"', 400, 'No transport found for sessionId'],
  ])(
    'that meet a server which was started anew were not executed (%s)',
    async (_, status, text) => {
      const { server } = await serve(endpointEvent('/m'), ({ res }) => {
        res.writeHead(status).end(text)
      })
      const { upstream } = await connect(server.origin)
      await expect(upstream.send(aRequest(1))).rejects.toBeInstanceOf(SessionLost)
    },
  )

  it('that it refuses for want of a session which it knows may have been executed', async () => {
    const { server } = await serve(endpointEvent('/m'), ({ message, res }) => {
      res.writeHead(message.method === 'ping' ? 202 : 404).end()
    })
    const { upstream } = await connect(server.origin)
    await expect(upstream.send(aRequest(1, 'tools/call'))).rejects.toMatchObject({
      code: 'UPSTREAM_FAILED',
      message: expect.stringMatching(/refused the message \(HTTP 404, unlike a ping in/),
    })
    expect(server.asked.map(({ message }) => message.method)).toEqual([
      undefined,
      'tools/call',
      'ping',
    ])
  })

  it('that it has not executed hear so before its stream ends, and ask once', async () => {
    const pings: Asked[] = []
    const { server, stream } = await serve(endpointEvent('/m'), (asked) => {
      if (asked.message.method === 'ping') pings.push(asked)
      else asked.res.writeHead(404).end()
    })
    const { heard, upstream } = await connect(server.origin)
    const told: string[] = []
    const sent = [1, 2].map((id) =>
      upstream.send(aRequest(id, 'tools/call')).catch((error: unknown) => {
        told.push(error instanceof SessionLost ? 'lost' : 'other')
      }),
    )
    await expect.poll(() => [server.asked.length, pings.length]).toEqual([4, 1])
    stream().end()
    await once(stream(), 'close')
    pings[0]?.res.writeHead(404).end()
    void heard.closed.then(() => told.push('closed'))
    await Promise.all([...sent, heard.closed])
    expect(told).toEqual(['lost', 'lost', 'closed'])
  })

  it('that the server refuses reject', async () => {
    const { server } = await serve(endpointEvent('/m'), ({ res }) => void res.writeHead(400).end())
    const { upstream } = await connect(server.origin)
    await expect(upstream.send(aRequest(1))).rejects.toMatchObject({ code: 'UPSTREAM_BAD_ANSWER' })
  })

  it('that are given up are told to the server', async () => {
    const { server } = await serve(endpointEvent('/m'))
    const { upstream } = await connect(server.origin)
    upstream.cancel('5')
    await expect
      .poll(() => server.asked[1]?.message)
      .toMatchObject({
        method: 'notifications/cancelled',
        params: { requestId: 5 },
      })
  })
})

describe('an event that is no JSON-RPC', () => {
  it.each(['hello confidential', '{"level":"info"}', '[1]', '{"jsonrpc":"2.0","id":null}'])(
    'is skipped and logged, and the stream goes on: %s',
    async (junk) => {
      const ping = frame({ jsonrpc, id: 1, method: 'ping' })
      const { server } = await serve(`${endpointEvent('/m')}data: ${junk}\n\n${ping}`)
      const { heard, skipped } = await connect(server.origin)
      expect(await heard.next()).toMatchObject({ id: 1, method: 'ping' })
      const told = junk.replace('confidential', '***')
      expect(skipped()).toEqual([`an event that is not JSON-RPC: ${told}`])
    },
  )

  it('fails the call that it names, and no other', async () => {
    const half = 'data: {"jsonrpc":"2.0","id":5,"result":{\n\n'
    const ping = frame({ jsonrpc, id: 1, method: 'ping' })
    const { server } = await serve(endpointEvent('/m') + half + ping)
    const { heard } = await connect(server.origin)
    expect(await heard.next()).toMatchObject({ id: 5, error: { code: -31502 } })
    expect(await heard.next()).toMatchObject({ id: 1, method: 'ping' })
  })

  it('costs a stream that is flooded with it, and little of that is logged', async () => {
    const { server } = await serve(endpointEvent('/m') + 'data: x\n\n'.repeat(20_001))
    const startedAt = Date.now()
    const { heard, skipped } = await connect(server.origin)
    expect(await heard.closed).toBeInstanceOf(Error)
    // 50 lines of each second that began, and how many were left out.
    const seconds = Math.floor(Date.now() / 1_000) - Math.floor(startedAt / 1_000) + 1
    expect(skipped().length).toBeLessThanOrEqual(51 * seconds)
  })
})

it('a listener that fails over one message is told the next', async () => {
  const messages = [1, 2].map((id) => frame({ jsonrpc, id, method: 'ping' })).join('')
  const { server, stream } = await serve(endpointEvent('/m'))
  const { heard, skipped } = await connect(server.origin)
  const take = heard.onMessage.bind(heard)
  heard.onMessage = () => {
    heard.onMessage = take
    throw new Error('no')
  }
  stream().write(messages)
  expect(await heard.next()).toMatchObject({ id: 2 })
  expect(skipped()).toEqual(['a message was not taken: no'])
})

describe('the end of the stream', () => {
  it.each([
    ['ended', 'end', 'the stream ended'],
    ['cut', 'destroy', ''],
  ] as const)('by the server, %s, is told with its cause', async (_, how, reason) => {
    const { server, stream } = await serve(endpointEvent('/m'))
    const { heard } = await connect(server.origin)
    stream()[how]()
    expect(await heard.closed).toMatchObject({
      code: 'UPSTREAM_FAILED',
      message: expect.stringContaining(reason),
    })
  })

  it('by close is told without a cause, once, and the server sees it', async () => {
    const { server, stream } = await serve(endpointEvent('/m'))
    const { heard, upstream } = await connect(server.origin)
    const gone = once(stream(), 'close')
    await Promise.all([upstream.close(), upstream.close()])
    expect(await heard.closed).toBeUndefined()
    expect(heard.closings()).toBe(1)
    await gone
  })
})
