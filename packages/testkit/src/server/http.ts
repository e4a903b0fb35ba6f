import { once } from 'node:events'
import { createServer } from 'node:http'
import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { onTestFinished } from '../test/index.js'
import { freePorts } from '../process/ports.js'

/** Asked is one request as the server got it, with its whole body. */
export interface Asked {
  readonly method: string
  /** With its query. */
  readonly path: string
  readonly headers: IncomingHttpHeaders
  readonly text: string
  /** The body's JSON; empty where it has none. */
  readonly message: { id?: unknown; method?: string; params?: Record<string, unknown> }
  readonly req: IncomingMessage
  readonly res: ServerResponse
}

export interface HttpServer {
  readonly origin: string
  readonly asked: Asked[]
  /** What was asked by this JSON-RPC method, or by this HTTP method. */
  by(method: string): readonly Asked[]
  /** Ends all connections. */
  cut(): void
  /** Refuses connections from now on. */
  shut(): Promise<void>
}

/** openHttp is a node:http server on a free port until the test has finished; `answer` sees each request with its whole body. */
export const openHttp = async (answer: (asked: Asked) => unknown): Promise<HttpServer> => {
  const all: Asked[] = []
  const take = async (req: IncomingMessage, res: ServerResponse): Promise<void> => {
    const { method = '', url: path = '', headers } = req
    const body = await text(req)
    const asked = { method, path, headers, text: body, message: messageIn(body) ?? {}, req, res }
    all.push(asked)
    await answer(asked)
  }
  // Behind Nginx, which keeps connections for longer than node does.
  const server = createServer({ keepAliveTimeout: 75_000 }, (req, res) => {
    // A client that gives up half-way is nothing to report.
    take(req, res).catch(() => res.destroy())
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const cut = (): void => server.closeAllConnections()
  const shut = async (): Promise<void> => {
    cut()
    await new Promise((closed) => server.close(closed))
  }
  onTestFinished(shut)
  // A server that listens on TCP has an AddressInfo.
  const { port } = server.address() as AddressInfo
  return {
    origin: `http://127.0.0.1:${port}`,
    asked: all,
    by: (name) => all.filter(({ method, message }) => (message.method ?? method) === name),
    cut,
    shut,
  }
}

/** messageIn is the JSON of a body; undefined where it is none. */
export const messageIn = (body: string): Asked['message'] | undefined => {
  try {
    return JSON.parse(body || '{}') as Asked['message']
  } catch {
    return undefined
  }
}

/** answerJson answers with JSON: text as it is, anything else written. */
export const answerJson = (
  { res }: Pick<Asked, 'res'>,
  body: unknown,
  { status = 200, headers = {} }: { status?: number; headers?: Record<string, string> } = {},
): void => {
  res.writeHead(status, { 'content-type': 'application/json', ...headers })
  res.end(typeof body === 'string' ? body : JSON.stringify(body))
}

/** respond answers a request with its result. */
export const respond = (asked: Asked, result: unknown, headers?: Record<string, string>): void =>
  answerJson(
    asked,
    { jsonrpc: '2.0', id: asked.message.id, result },
    { ...(headers && { headers }) },
  )

/** echo answers with the params that it was asked with. */
export const echo = (asked: Asked): void => respond(asked, asked.message.params ?? {})

/** beginEvents answers with an event stream that stays open. */
export const beginEvents = (
  { res }: Pick<Asked, 'res'>,
  headers: Record<string, string> = {},
): void => {
  res.writeHead(200, { 'content-type': 'text/event-stream', ...headers })
  res.flushHeaders()
}

/** frame is a message as an event. */
export const frame = (message: unknown, id?: string): string =>
  `${id === undefined ? '' : `id: ${id}\n`}data: ${JSON.stringify(message)}\n\n`

/** deadOrigin is an address that nobody listens on, nor will: the system gives no such port away by itself. */
export const deadOrigin = async (): Promise<string> => `http://127.0.0.1:${await freePorts(1)}`

export const deadUrl = async (): Promise<string> => `${await deadOrigin()}/mcp`
