import { once } from 'node:events'
import { createServer } from 'node:http'
import type { IncomingHttpHeaders, ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { onTestFinished } from 'vitest'

/** ModernAsked is one request as a modern Endpoint got it. */
export interface ModernAsked {
  readonly headers: IncomingHttpHeaders
  readonly text: string
  readonly message: { id?: unknown; method?: string }
  readonly res: ServerResponse
}

export interface ModernEndpoint {
  readonly url: string
  /** Without server/discover. */
  readonly asked: ModernAsked[]
}

/** openModernEndpoint speaks revision 2026-07-28 on a free port: it answers server/discover, once `ready`, and leaves the rest to `answer`. */
export const openModernEndpoint = async (
  answer: (asked: ModernAsked) => void,
  ready: Promise<unknown> = Promise.resolve(),
  discovered: object = { supportedVersions: ['2026-07-28'], capabilities: {} },
): Promise<ModernEndpoint> => {
  const asked: ModernAsked[] = []
  const server = createServer((req, res) => {
    void text(req).then(async (body) => {
      const message = JSON.parse(body) as ModernAsked['message']
      if (message.method === 'server/discover') {
        await ready
        res.setHeader('content-type', 'application/json')
        res.end(JSON.stringify({ jsonrpc: '2.0', id: message.id, result: discovered }))
        return
      }
      const each = { headers: req.headers, text: body, message, res }
      asked.push(each)
      answer(each)
    })
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  onTestFinished(async () => {
    server.closeAllConnections()
    await new Promise((closed) => server.close(closed))
  })
  // A server that listens on TCP has an AddressInfo.
  const { port } = server.address() as AddressInfo
  return { url: `http://127.0.0.1:${port}/mcp`, asked }
}
