import { once } from 'node:events'
import { createServer } from 'node:http'
import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'

/** Arrived is a request as an Instance got it. */
export interface Arrived {
  readonly method: string
  readonly url: string
  readonly headers: IncomingHttpHeaders
  readonly body: string
}

export interface TestInstance {
  readonly name: string
  /** host:port */
  readonly address: string
  readonly arrived: readonly Arrived[]
  close(): Promise<void>
}

export type Handle = (request: IncomingMessage, response: ServerResponse) => void

/** openInstance stands in for an Instance: it answers with its name, unless `handle` answers. */
export const openInstance = async (name: string, handle?: Handle): Promise<TestInstance> => {
  const arrived: Arrived[] = []
  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const { method = '', url = '', headers } = request
    arrived.push({ method, url, headers, body: await text(request) })
    if (handle) {
      handle(request, response)
      return
    }
    response.setHeader('content-type', 'application/json')
    response.end(JSON.stringify({ instance: name }))
  }
  const server = createServer({ keepAliveTimeout: 75_000 }, (request, response) => {
    // A client that gives up half-way is nothing to report.
    answer(request, response).catch(() => response.destroy())
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  return {
    name,
    address: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    arrived,
    close: async () => {
      server.closeAllConnections()
      await new Promise((closed) => server.close(closed))
    },
  }
}
