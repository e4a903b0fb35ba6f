import { once } from 'node:events'
import { createServer } from 'node:http'
import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { onTestFinished } from 'vitest'

/** Asked is one request as the server got it. */
export interface Asked {
  readonly method: string
  readonly path: string
  readonly headers: IncomingHttpHeaders
  readonly text: string
  /** The body's JSON; undefined where it has none. */
  readonly message: { id?: unknown; method?: string; params?: Record<string, unknown> } | undefined
  readonly req: IncomingMessage
  readonly res: ServerResponse
}

export interface TestServer {
  readonly origin: string
  readonly asked: readonly Asked[]
}

/** openServer is a node:http server on a free port until the test has finished; `answer` sees each request with its whole body. */
export const openServer = async (answer: (asked: Asked) => void): Promise<TestServer> => {
  const all: Asked[] = []
  const take = async (req: IncomingMessage, res: ServerResponse): Promise<void> => {
    const { method = '', url: path = '', headers } = req
    const body = await text(req)
    const message = body ? (JSON.parse(body) as Asked['message']) : undefined
    const asked = { method, path, headers, text: body, message, req, res }
    all.push(asked)
    answer(asked)
  }
  const server = createServer((req, res) => {
    // A client that gives up half-way is nothing to report.
    take(req, res).catch(() => res.destroy())
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  onTestFinished(async () => {
    server.closeAllConnections()
    await new Promise((closed) => server.close(closed))
  })
  return { origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, asked: all }
}

export const answerJson = (
  { res }: Asked,
  body: unknown,
  { status = 200, headers = {} }: { status?: number; headers?: Record<string, string> } = {},
): void => {
  res.writeHead(status, { 'content-type': 'application/json', ...headers })
  res.end(typeof body === 'string' ? body : JSON.stringify(body))
}

/** beginEvents answers with an event stream that stays open. */
export const beginEvents = ({ res }: Asked, headers: Record<string, string> = {}): void => {
  res.writeHead(200, { 'content-type': 'text/event-stream', ...headers })
  res.flushHeaders()
}

export const frame = (message: unknown, id?: string): string =>
  `${id === undefined ? '' : `id: ${id}\n`}data: ${JSON.stringify(message)}\n\n`

/** An address that nobody listens on. */
export const deadOrigin = async (): Promise<string> => {
  const server = createServer()
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const { port } = server.address() as AddressInfo
  await new Promise((closed) => server.close(closed))
  return `http://127.0.0.1:${port}`
}
