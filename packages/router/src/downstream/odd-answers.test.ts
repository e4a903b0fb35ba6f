import { backendOf, httpEndpoint } from '@mcp-router/testkit/backend'
import { aRequest, ask, follow, initialize, jsonOf, modernClient } from '@mcp-router/testkit/client'
import { openGateway } from '@mcp-router/testkit/router'
import { echo, openEndpoint, openModernEndpoint } from '@mcp-router/testkit/server'
import type { Asked } from '@mcp-router/testkit/server'
import { describe, expect, it } from 'vitest'

const json = { 'content-type': 'application/json' }
const stream = { 'content-type': 'text/event-stream' }
const result = (id: unknown) => JSON.stringify({ jsonrpc: '2.0', id, result: { secret: true } })
const idOf = ({ message }: Pick<Asked, 'message'>) => message.id

type Answering = Pick<Asked, 'res' | 'message'>
type Answer = (asked: Answering) => void

/** More than is held of an answer without a second thought. */
const long = 'x'.repeat(2 * 1024 * 1024)

/** What is no response under the id of the request: official clients drop it, and wait on. */
const noResponses: readonly (readonly [string, RegExp])[] = [
  ['"error":"boom"', /an error must be an object/],
  ['"error":{"message":"secret"}', /the "code" of an error/],
  ['"result":null', /a result must be an object/],
  ['"result":"secret"', /a result must be an object/],
  ['"result":{"secret":true},"error":null', /never both/],
  ['"result":{"secret":true},"error":{"code":1,"message":"secret"}', /never both/],
]
const holding = (inside: string, { message }: Answering): string =>
  `{"jsonrpc":"2.0",${inside},"id":${JSON.stringify(message.id)}}`

/** What servers send in place of an answer, and what the client is told of it. */
const odd: readonly (readonly [string, Answer, RegExp])[] = [
  ...noResponses.flatMap(([inside, says]): (readonly [string, Answer, RegExp])[] => [
    [inside, (asked) => void asked.res.writeHead(200, json).end(holding(inside, asked)), says],
    [
      `${inside} as an event`,
      (asked) => void asked.res.writeHead(200, stream).write(`data: ${holding(inside, asked)}\n\n`),
      says,
    ],
  ]),
  [
    'the result of another request',
    ({ res }) => void res.writeHead(200, json).end(result('x')),
    /another id/,
  ],
  [
    'a result of no request',
    ({ res }) => void res.writeHead(200, json).end(result(null)),
    /another id/,
  ],
  [
    'a page',
    ({ res }) => void res.writeHead(200, { 'content-type': 'text/html' }).end('<html>'),
    /HTTP 200 with text\/html/,
  ],
  [
    'a long result of another request, its id at the end',
    ({ res }) =>
      void res.writeHead(200, json).end(`{"result":{"x":"${long}"},"jsonrpc":"2.0","id":"x"}`),
    /another id/,
  ],
  [
    'a long result of this request and of another one',
    (asked) =>
      void asked.res
        .writeHead(200, json)
        .end(`${result(idOf(asked)).slice(0, -1)},"x":"${long}","Id":"x"}`),
    /must appear exactly once/,
  ],
  ['nothing', ({ res }) => void res.writeHead(200, json).end(), /HTTP 200 without a body/],
  ['202', ({ res }) => void res.writeHead(202).end(), /HTTP 202 without a body/],
  ['204', ({ res }) => void res.writeHead(204).end(), /HTTP 204 without a body/],
  [
    'half of its answer',
    (asked) => void asked.res.writeHead(200, json).end(result(idOf(asked)).slice(0, -9)),
    /not valid JSON/,
  ],
  ['421', ({ res }) => void res.writeHead(421).end('misdirected'), /HTTP 421/],
  ['500', ({ res }) => void res.writeHead(500).end('<h1>oops'), /HTTP 500/],
  [
    'an array',
    (asked) => void asked.res.writeHead(200, json).end(`[${result(idOf(asked))}]`),
    /array/,
  ],
  [
    'its answer as text',
    (asked) =>
      void asked.res.writeHead(200, { 'content-type': 'text/plain' }).end(result(idOf(asked))),
    /HTTP 200 with text\/plain/,
  ],
  [
    'an event that is no JSON',
    ({ res }) => void res.writeHead(200, stream).write('data: hello\n\n'),
    /event that is not valid JSON/,
  ],
  [
    'an event that is broken JSON inside of its result',
    (asked) =>
      void asked.res
        .writeHead(200, stream)
        .write(
          `data: {"jsonrpc":"2.0","id":${JSON.stringify(idOf(asked))},"result":{"x":"\\d"}}\n\n`,
        ),
    /event that is not valid JSON/,
  ],
  [
    'the result of another request as an event',
    ({ res }) => void res.writeHead(200, stream).write(`data: ${result('x')}\n\n`),
    /another id/,
  ],
]

/** The ways on which a request goes to an http server. `send` resolves with the JSON-RPC message that the client gets. */
const ways = ['session', 'route', 'sse', 'modern', 'modern to sessions', 'batch'] as const
type Way = (typeof ways)[number]

const messagesIn = (text: string): Record<string, unknown> => {
  const data =
    text.startsWith('{') || text.startsWith('[') ? text : (/data: ([{[].*)/.exec(text)?.[1] ?? text)
  const value = JSON.parse(data) as Record<string, unknown> | Record<string, unknown>[]
  return (Array.isArray(value) ? value[0] : value) ?? {}
}

const open = async (way: Way, answer: Answer) => {
  const answering = (asked: Answering): void =>
    asked.message.method === 'write' || asked.message.method === 'prompts/get'
      ? answer(asked)
      : echo(asked as Asked)
  const endpoint =
    way === 'modern' ? await openModernEndpoint(answering) : await openEndpoint(answering)
  const gateway = await openGateway({
    backends: [backendOf('weather', [httpEndpoint(endpoint.url)])],
  })
  const { url } = gateway
  const call = aRequest('mine', 'write')
  const send = async (): Promise<{ told: Record<string, unknown>; headers: object }> => {
    if (way === 'sse') {
      const events = await follow(`${url}/sse/weather`)
      const post = new URL(String((await events.next()).data), url).href
      const open = aRequest(0, 'initialize', {
        protocolVersion: '2024-11-05',
        capabilities: {},
        clientInfo: {},
      })
      await ask(post, { body: open })
      await events.message()
      await ask(post, { body: call })
      return { told: await events.message(), headers: {} }
    }
    if (way === 'route') {
      const told = await ask(`${url}/mcp/router/route/weather`, { body: call })
      return { told: messagesIn(told.text), headers: told.headers }
    }
    if (way === 'modern' || way === 'modern to sessions') {
      const client = modernClient(`${url}/mcp/weather`)
      const told = await client.send(
        'prompts/get',
        { name: 'p' },
        { capabilities: way === 'modern' ? {} : { roots: {} } },
      )
      return { told: messagesIn(told.text), headers: told.headers }
    }
    const { headers, session } = await initialize(`${url}/mcp/weather`)
    if (way === 'batch') {
      await gateway.store.sessions.update(session as never, 0, { revision: '2025-03-26' })
      await gateway.router.forget(session as never)
    }
    const body = way === 'batch' ? [call] : call
    const told = await ask(`${url}/mcp/weather`, { headers, body })
    return { told: messagesIn(told.text), headers: told.headers }
  }
  return { endpoint, gateway, send }
}

describe.each(ways)('a server that is reached as %s and answers with', (way) => {
  it.each(odd)('%s', async (_, answer, says) => {
    const { send } = await open(way, answer)
    const { told } = await send()
    expect(told).toMatchObject({
      id: way.startsWith('modern') ? expect.stringMatching(/^m-/) : 'mine',
      error: { code: -31502, message: expect.stringMatching(says) },
    })
    expect(JSON.stringify(told)).toContain('Server \\"weather\\"')
    expect(JSON.stringify(told)).not.toContain('secret')
  })

  it.each([401, 403])(
    '%i has its credential refused, and its challenge is kept here',
    async (status) => {
      const { endpoint, send } = await open(way, ({ res }) => {
        res.writeHead(status, { 'www-authenticate': 'Bearer realm="theirs"', ...json })
        res.end('{"error":"invalid_token"}')
      })
      const { told, headers } = await send()
      expect(told).toMatchObject({
        id: way.startsWith('modern') ? expect.stringMatching(/^m-/) : 'mine',
        error: {
          code: -31502,
          message: expect.stringContaining('"weather" refused the credential'),
        },
      })
      expect(headers).not.toHaveProperty('www-authenticate')
      expect(headers).not.toHaveProperty('retry-after')
      expect(
        endpoint.asked.filter(({ message }) =>
          ['write', 'prompts/get'].includes(message.method ?? ''),
        ),
      ).toHaveLength(1)
    },
  )
})

it.each(['session', 'route', 'sse'] as const)(
  'a server that refuses the credential of %s from the start says so at once',
  async (way) => {
    const endpoint = await openEndpoint(undefined, {
      greet: ({ res }) => void res.writeHead(401).end(),
    })
    const { url } = await openGateway({
      backends: [backendOf('weather', [httpEndpoint(endpoint.url)])],
      options: { endpointPatienceMs: 60_000 },
    })
    const body = aRequest(1, way === 'route' ? 'tools/list' : 'initialize')
    let told: Record<string, unknown>
    if (way === 'sse') {
      const events = await follow(`${url}/sse/weather`)
      await ask(new URL(String((await events.next()).data), url).href, { body })
      told = await events.message()
    } else {
      const address = way === 'route' ? '/mcp/router/route/weather' : '/mcp/weather'
      told = jsonOf(await ask(url + address, { body }))
    }
    expect(told).toMatchObject({
      id: 1,
      error: { code: -31502, message: expect.stringContaining('HTTP 401') },
    })
  },
)

describe('a notification', () => {
  it.each<[string, Answer]>([
    ['200 null', ({ res }) => void res.writeHead(200, json).end('null')],
    ['200', ({ res }) => void res.writeHead(200).end()],
    ['204', ({ res }) => void res.writeHead(204).end()],
    ['202 with a body', ({ res }) => void res.writeHead(202, json).end('{"status":"accepted"}')],
    ['a stream', ({ res }) => void res.writeHead(200, stream).end(': hello\n\n')],
    ['a stream without end', ({ res }) => void res.writeHead(200, stream).write(': hello\n\n')],
    ['a body without end', ({ res }) => void res.writeHead(202, json).write('{')],
  ])('that is answered with %s is accepted, and no more', async (_, answer) => {
    const endpoint = await openEndpoint((asked) =>
      idOf(asked) === 'r' ? answer(asked) : echo(asked),
    )
    const { url } = await openGateway({
      backends: [backendOf('weather', [httpEndpoint(endpoint.url)])],
    })
    const { headers } = await initialize(`${url}/mcp/weather`)
    // The test's endpoint leaves responses to the test, which are answered as notifications are.
    const told = await ask(`${url}/mcp/weather`, {
      headers,
      body: { jsonrpc: '2.0', id: 'r', result: {} },
    })
    expect([told.status, told.text, told.headers['content-length']]).toEqual([202, '', '0'])
  })

  it('that is refused is told so', async () => {
    const endpoint = await openEndpoint(({ res }) => void res.writeHead(400).end('no'))
    const { url } = await openGateway({
      backends: [backendOf('weather', [httpEndpoint(endpoint.url)])],
    })
    const { headers } = await initialize(`${url}/mcp/weather`)
    const told = await ask(`${url}/mcp/weather`, {
      headers,
      body: { jsonrpc: '2.0', id: 'r', result: {} },
    })
    expect([told.status, jsonOf(told)]).toMatchObject([502, { error: { code: -31502 } }])
  })
})
