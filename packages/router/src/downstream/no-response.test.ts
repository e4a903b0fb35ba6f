import { once } from 'node:events'
import { createServer } from 'node:http'
import type { ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import type { Endpoint } from '@mcp-router/core'
import { backendOf, httpEndpoint, nodeEndpoint, sseEndpoint } from '@mcp-router/testkit/backend'
import { aRequest, ask, follow, initialize, jsonOf } from '@mcp-router/testkit/client'
import { openGateway } from '@mcp-router/testkit/router'
import { openEndpoint } from '@mcp-router/testkit/server'
import { describe, expect, it, onTestFinished } from 'vitest'

/** A response that holds this. The id comes last: what names the call must not depend on an order. */
const holding = (inside: string, id: unknown): string =>
  `{"jsonrpc":"2.0",${inside},"id":${JSON.stringify(id)}}`

const opening = '"result":{"protocolVersion":"2025-06-18","capabilities":{},"serverInfo":{}}'

/** What the server answers to `bad`, and to `initialize`; the rest gets an empty result. */
interface Says {
  readonly bad?: string
  readonly opening?: string
}

const answerTo = (says: Says, method: string, id: unknown): string => {
  if (method === 'initialize') return holding(says.opening ?? opening, id)
  return holding(method === 'bad' ? (says.bad ?? '') : '"result":{}', id)
}

const servers: Record<string, (says: Says) => Promise<Endpoint>> = {
  async http(says) {
    const answer = ({ res, message }: { res: ServerResponse; message: { id?: unknown } }): void => {
      res.writeHead(200, { 'content-type': 'application/json', 'mcp-session-id': 's' })
      res.end(answerTo(says, String((message as { method?: string }).method), message.id))
    }
    return httpEndpoint((await openEndpoint(answer, { greet: answer, knowsAll: true })).url)
  },
  async sse(says) {
    let stream: ServerResponse | undefined
    const server = createServer((req, res) => {
      if (req.method === 'GET') {
        stream = res
        res.writeHead(200, { 'content-type': 'text/event-stream' })
        res.write('event: endpoint\ndata: /message\n\n')
        return
      }
      void text(req).then((body) => {
        const { id, method } = JSON.parse(body) as { id?: unknown; method: string }
        res.writeHead(202).end()
        if (id !== undefined) stream?.write(`data: ${answerTo(says, method, id)}\n\n`)
      })
    })
    await once(server.listen(0, '127.0.0.1'), 'listening')
    onTestFinished(async () => {
      server.closeAllConnections()
      await new Promise((closed) => server.close(closed))
    })
    return sseEndpoint(`http://127.0.0.1:${(server.address() as AddressInfo).port}/sse`)
  },
  stdio: (says) =>
    Promise.resolve(
      nodeEndpoint(`
        const answers = ${JSON.stringify({ initialize: says.opening ?? opening, bad: says.bad })}
        require('node:readline').createInterface({ input: process.stdin }).on('line', (line) => {
          const { id, method } = JSON.parse(line)
          if (id === undefined) return
          const inside = answers[method] ?? '"result":{}'
          console.log('{"jsonrpc":"2.0",' + inside + ',"id":' + JSON.stringify(id) + '}')
        })`),
    ),
}

const open = async (transport: string, says: Says) => {
  const endpoint = await servers[transport]!(says)
  return openGateway({ backends: [backendOf('odd', [endpoint])] })
}

const handshake = { protocolVersion: '2025-06-18', capabilities: {}, clientInfo: {} }

/** The ways on which a call gets to the server: each resolves with the answer to the last of these requests. */
const ways: Record<string, (url: string, bodies: readonly object[]) => Promise<unknown>> = {
  async mcp(url, bodies) {
    let told = (await initialize(`${url}/mcp/odd`)).told
    const headers = { 'mcp-session-id': String(told.headers['mcp-session-id']) }
    for (const body of bodies) told = await ask(`${url}/mcp/odd`, { headers, body })
    return jsonOf(told)
  },
  async sse(url, bodies) {
    const events = await follow(`${url}/sse/odd`)
    const post = new URL(String((await events.next()).data), url).href
    await ask(post, { body: aRequest(0, 'initialize', handshake) })
    let told = await events.message()
    for (const body of bodies) {
      await ask(post, { body })
      told = await events.message()
    }
    return told
  },
  async route(url, bodies) {
    const all = bodies.length > 0 ? bodies : [aRequest(0, 'ping')]
    let told: unknown
    for (const body of all) told = jsonOf(await ask(`${url}/mcp/router/route/odd`, { body }))
    return told
  },
}

describe.each(Object.keys(servers))('a server at %s', (transport) => {
  it.each(Object.keys(ways))(
    'that answers a call over %s with no response has it fail at once, and no other',
    async (way) => {
      for (const bad of ['"error":"boom"', '"result":null', '"result":{},"error":null']) {
        const { url } = await open(transport, { bad })
        const told = await ways[way]!(url, [aRequest('mine', 'bad')])
        expect(told).toMatchObject({
          id: 'mine',
          error: { code: -31502, message: expect.stringMatching(/must be an object|never both/) },
        })
        expect(await ways[way]!(url, [aRequest(2, 'good')])).toMatchObject({ id: 2, result: {} })
      }
    },
  )

  it.each(Object.keys(ways))('that opens with result and error is told to %s', async (way) => {
    const { url } = await open(transport, { opening: `${opening},"error":null` })
    const told = await ways[way]!(url, [])
    expect(told).toMatchObject({ id: 0, error: { code: expect.any(Number) } })
    expect(JSON.stringify(told)).toMatch(/never both|initialize was refused/)
  })
})
