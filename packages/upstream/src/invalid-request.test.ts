import { beginEvents, openHttp } from '@mcp-router/testkit/server'
import {
  aRequest,
  backendOf,
  createEvents,
  createHeard,
  nodeEndpoint,
  sseEndpoint,
} from '@mcp-router/testkit/upstream'
import { describe, expect, it, onTestFinished } from 'vitest'
import { createHttpClient } from './http/client.js'
import { openSseUpstream } from './sse/upstream.js'
import { openStdioUpstream } from './stdio/upstream.js'

/** What the server writes when it is called; it answers the call with the error that it got for that. */
const asking = (id: string, method = '"roots/list"') =>
  `{"jsonrpc":"2.0","id":${id},"method":${method},"params":{}}`

const overStdio = async (question: string) => {
  const endpoint = nodeEndpoint(`
    require('node:readline').createInterface({ input: process.stdin }).on('line', (line) => {
      const { method } = JSON.parse(line)
      const answer = '{"jsonrpc":"2.0","id":1,"result":' + line + '}'
      console.log(method === 'tools/call' ? ${JSON.stringify(question)} : answer)
    })`)
  const heard = createHeard()
  const options = { backend: backendOf(endpoint), listener: heard, events: createEvents(), env: {} }
  const upstream = await openStdioUpstream({ endpoint, ...options })
  onTestFinished(() => upstream.close())
  return { heard, upstream }
}

const overSse = async (question: string) => {
  const server = await openHttp((asked) => {
    if (asked.method === 'GET') {
      beginEvents(asked)
      asked.res.write('event: endpoint\ndata: /m\n\n')
      return
    }
    asked.res.writeHead(202).end()
    const answer = `{"jsonrpc":"2.0","id":1,"result":${asked.text}}`
    const said = asked.message.method === 'tools/call' ? question : answer
    server.asked[0]?.res.write(`data: ${said}\n\n`)
  })
  const client = createHttpClient({ connectTimeoutMs: 1_000 })
  onTestFinished(() => client.close())
  const endpoint = sseEndpoint(`${server.origin}/sse`)
  const heard = createHeard()
  const options = { backend: backendOf(endpoint), listener: heard, events: createEvents() }
  const upstream = await openSseUpstream({ client, endpoint, ...options })
  return { heard, upstream }
}

describe.each([
  ['a command', overStdio],
  ['an HTTP+SSE server', overSse],
] as const)('a request of %s that is invalid', (_, open) => {
  it.each([
    ['has a float as its id', asking('1.5'), 1.5],
    ['has null', asking('null'), null],
    ['has a boolean', asking('true'), true],
    ['has an object', asking('{"a":[1]}'), { a: [1] }],
    ['has an id that is too long', asking(`{"a":"${'x'.repeat(2_000)}"}`), null],
    ['has a number as its method', asking('"q"', '7'), 'q'],
    ['stands behind what a library logged', `INFO ${asking('0.1')}`, 0.1],
  ])('is refused, so that its server does not wait in vain: it %s', async (__, question, id) => {
    const { heard, upstream } = await open(question)
    await upstream.send(aRequest(1, 'tools/call'))
    expect(await heard.next()).toMatchObject({
      id: 1,
      result: { jsonrpc: '2.0', id, error: { code: -32600, message: expect.any(String) } },
    })
  })
})
