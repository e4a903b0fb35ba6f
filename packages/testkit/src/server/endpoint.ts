import { once } from 'node:events'
import { createServer } from 'node:http'
import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { onTestFinished } from 'vitest'

/** Asked is one request as the Endpoint got it. */
export interface Asked {
  readonly method: string
  readonly headers: IncomingHttpHeaders
  readonly text: string
  readonly message: { id?: unknown; method?: string; params?: Record<string, unknown> }
  readonly res: ServerResponse
}

export interface TestEndpoint {
  readonly url: string
  readonly asked: Asked[]
  /** What was asked by this JSON-RPC method, or by this HTTP method. */
  by(method: string): readonly Asked[]
  /** Forgets every session, as a restart would. */
  forget(): void
  /** Refuses connections from now on. */
  shut(): Promise<void>
}

/**
 * openEndpoint is a Streamable HTTP server on a free port: it opens the sessions `s-1`, `s-2` …, knows no others, takes notifications,
 * and leaves requests, responses and GET streams to `answer`. `greet` answers initialize in its place; `capabilities` is what it offers;
 * where it `knowsAll`, which sessions there are is for `answer` to say.
 */
export const openEndpoint = async (
  answer: (asked: Asked) => void = echo,
  greet?: (asked: Asked) => void,
  capabilities: object = {},
  { knowsAll = false } = {},
): Promise<TestEndpoint> => {
  const asked: Asked[] = []
  const known = new Set<string>()
  let opened = 0

  const initialize = ({ res, message }: Asked): void => {
    const session = `s-${++opened}`
    known.add(session)
    res.writeHead(200, { 'content-type': 'application/json', 'mcp-session-id': session })
    // Spaced as no serialiser does.
    const result = `{"protocolVersion":"2025-06-18", "capabilities":${JSON.stringify(capabilities)} , "serverInfo":{"name":"${session}","version":"1"}}`
    res.end(`{"result":${result},"id":${JSON.stringify(message.id)}, "jsonrpc":"2.0" }`)
  }

  const take = async (req: IncomingMessage, res: ServerResponse): Promise<void> => {
    const { method = '', headers } = req
    const body = await text(req)
    const message = parsed(body)
    if (!message) {
      res.writeHead(400).end('not JSON')
      return
    }
    const each = { method, headers, text: body, message, res }
    asked.push(each)
    if (message.method === 'initialize') (greet ?? initialize)(each)
    else if (!knowsAll && !known.has(String(headers['mcp-session-id'])))
      res.writeHead(404).end('no session')
    else if (method === 'DELETE') res.writeHead(200).end()
    else if (method === 'POST' && message.id === undefined) res.writeHead(202).end()
    else answer(each)
  }
  const server = createServer((req, res) => {
    // A client that gives up half-way is nothing to report.
    take(req, res).catch(() => res.destroy())
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const shut = async (): Promise<void> => {
    server.closeAllConnections()
    await new Promise((closed) => server.close(closed))
  }
  onTestFinished(shut)
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}/mcp`,
    asked,
    shut,
    by: (name) => asked.filter(({ method, message }) => (message.method ?? method) === name),
    forget: () => known.clear(),
  }
}

const parsed = (body: string): Asked['message'] | undefined => {
  try {
    return JSON.parse(body || '{}') as Asked['message']
  } catch {
    return undefined
  }
}

/** echo answers with the params that it was asked with. */
export const echo = ({ res, message }: Asked): void => {
  res.writeHead(200, { 'content-type': 'application/json' })
  res.end(JSON.stringify({ jsonrpc: '2.0', id: message.id, result: message.params ?? {} }))
}

/** An address that nobody listens on. */
export const deadUrl = async (): Promise<string> => {
  const server = createServer()
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const { port } = server.address() as AddressInfo
  await new Promise((closed) => server.close(closed))
  return `http://127.0.0.1:${port}/mcp`
}
