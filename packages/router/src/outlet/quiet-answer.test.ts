import { text } from 'node:stream/consumers'
import { setTimeout as wait } from 'node:timers/promises'
import { backendOf, httpEndpoint } from '@mcp-router/testkit/backend'
import { aRequest, ask, begin, questionOf } from '@mcp-router/testkit/client'
import type { Question } from '@mcp-router/testkit/client'
import { openGateway } from '@mcp-router/testkit/router'
import {
  openCommand,
  unknownMethod,
  openEndpoint,
  openModernEndpoint,
} from '@mcp-router/testkit/server'
import type { Asked } from '@mcp-router/testkit/server'
import { useConcurrentTests } from '@mcp-router/testkit/test'
import { describe, expect, it } from 'vitest'

useConcurrentTests()

const keepAliveMs = 100
/** How long the servers here take, ms: for the test to be about anything, several times longer. */
const slowMs = 600

const answerOf = (id: unknown, name: unknown) =>
  name === 'refused'
    ? { jsonrpc: '2.0', id, error: { code: -32000, message: 'not today' } }
    : { jsonrpc: '2.0', id, result: { resultType: 'complete', content: [], slept: true } }

const sleep = async ({ res, message }: Pick<Asked, 'res' | 'message'>): Promise<void> => {
  const { id, params } = message
  if (message.method === 'tools/call') await wait(slowMs)
  if (params?.['name'] === 'broken') res.writeHead(500).end('<h1>oops')
  else
    res
      .writeHead(200, { 'content-type': 'application/json' })
      .end(JSON.stringify(answerOf(id, params?.['name'])))
}

/** Answers its handshake at once, everything else late. */
const openSlowCommand = () =>
  openCommand({
    on: {
      'tools/list': ({ reply }) => reply({ tools: [] }),
      async 'tools/call'({ id, params, session }) {
        await wait(slowMs)
        session.send(answerOf(id, params['name']))
      },
    },
    otherwise: unknownMethod,
  })

const open = async () => {
  const [legacy, modern] = await Promise.all([
    openEndpoint((asked) => void sleep(asked)),
    openModernEndpoint((asked) => {
      if (asked.message.method === 'initialize') asked.res.writeHead(400).end()
      else void sleep(asked)
    }),
  ])
  const backends = [
    backendOf('http', [httpEndpoint(legacy.url)]),
    backendOf('modern', [httpEndpoint(modern.url)]),
    backendOf('stdio', [(await openSlowCommand()).endpoint]),
  ]
  return openGateway({ backends, options: { keepAliveMs } })
}

const both = 'application/json, text/event-stream'

type Ask = (url: string, name: string, accept: string) => Promise<Question & { path: string }>

const inSession =
  (backend: string, protocolVersion: string): Ask =>
  async (url, name, accept) => {
    const path = `/mcp/${backend}`
    const params = { protocolVersion, capabilities: {}, clientInfo: { name: 't', version: '1' } }
    const opened = await ask(url + path, { body: aRequest(0, 'initialize', params) })
    const session = String(opened.headers['mcp-session-id'])
    const headers = { 'mcp-session-id': session, 'mcp-protocol-version': protocolVersion, accept }
    return { path, headers, body: aRequest(1, 'tools/call', { name, arguments: {} }) }
  }

const inBatch: Ask = async (url, name, accept) => {
  const question = await inSession('stdio', '2025-03-26')(url, name, accept)
  return { ...question, body: [question.body] }
}

const modern =
  (backend: string, capabilities = {}): Ask =>
  (_, name, accept) => {
    const headers = { accept }
    const question = questionOf(1, 'tools/call', { name }, { capabilities, headers })
    return Promise.resolve({ ...question, path: `/mcp/${backend}` })
  }

const ways: readonly (readonly [string, Ask])[] = [
  ['of 2025-06-18 at an http server', inSession('http', '2025-06-18')],
  ['of 2025-06-18 at a command', inSession('stdio', '2025-06-18')],
  ['of 2025-11-25 at an http server', inSession('http', '2025-11-25')],
  ['with a batch of 2025-03-26', inBatch],
  ['of 2026-07-28 at an http server of its era', modern('modern')],
  ['of 2026-07-28 at an http server with sessions', modern('http')],
  ['of 2026-07-28 at a command with sessions', modern('stdio')],
  ['of 2026-07-28 that can be asked, at a command', modern('stdio', { elicitation: {} })],
]

const messagesIn = (stream: string): readonly unknown[] =>
  stream
    .split('\n')
    .filter((line) => line.startsWith('data: {'))
    .map((line) => JSON.parse(line.slice(6)) as unknown)

describe.concurrent.each(ways)('a client %s that is slow', (_, question) => {
  it.each([
    ['slow', { id: 1, result: { slept: true } }],
    ['refused', { id: 1, error: { message: 'not today' } }],
  ])('is given comments, and then its answer as an event (%s)', async (name, answer) => {
    const { url } = await open()
    const { path, ...asked } = await question(url, name, both)
    const response = await begin(url + path, asked)
    expect([response.statusCode, response.headers['content-type']]).toEqual([
      200,
      'text/event-stream',
    ])
    const stream = await text(response)
    expect(messagesIn(stream)).toMatchObject([answer])
    expect(stream.indexOf('\n:') + 1 || stream.indexOf(':')).toBeLessThan(stream.indexOf('data: {'))
    expect(stream).toMatch(/^:/m)
  })

  it('has its answer as JSON where it takes nothing else', async () => {
    const { url } = await open()
    const { path, ...asked } = await question(url, 'slow', 'application/json')
    const told = await ask(url + path, asked)
    expect([told.status, told.headers['content-type']]).toEqual([200, 'application/json'])
    expect(told.text).toContain('slept')
  })
})

it.concurrent('tells what its server broke off with as an event, too', async () => {
  const { url } = await open()
  const { path, ...asked } = await modern('modern')(url, 'broken', both)
  const told = await ask(url + path, asked)
  expect([told.status, told.headers['content-type']]).toEqual([200, 'text/event-stream'])
  expect(messagesIn(told.text)).toMatchObject(
    [{ id: 1, error: { message: /HTTP 500/ } }].map(matching),
  )
})

const matching = ({ id, error }: { id: number; error: { message: RegExp } }) => ({
  id,
  error: { message: expect.stringMatching(error.message) as unknown },
})

it.concurrent('streams a call without session for a client that takes events only', async () => {
  const { url } = await open()
  const body = aRequest(1, 'tools/call', { name: 'slow', arguments: {} })
  const at = `${url}/mcp/router/route/stdio`
  const slow = await ask(at, { headers: { accept: 'text/event-stream' }, body })
  expect(messagesIn(slow.text)).toMatchObject([{ id: 1, result: { slept: true } }])
  expect(slow.text).toMatch(/^:/m)
  const usual = await ask(at, { headers: { accept: both }, body })
  expect(usual.headers['content-type']).toBe('application/json')
})

it.concurrent(
  'gives a client of 2026-07-28 the id to come back by before the first comment',
  async () => {
    const { url } = await open()
    for (const backend of ['modern', 'http', 'stdio']) {
      const { path, ...asked } = await modern(backend)(url, 'slow', both)
      const told = await ask(url + path, asked)
      expect(told.text).toMatch(/^id: mcpr2\.[\w-]+\ndata: \n\n:/)
    }
  },
)
