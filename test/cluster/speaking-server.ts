import { once } from 'node:events'
import { createServer } from 'node:http'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { json } from 'node:stream/consumers'
import type { ServerEntry } from '../harness/backends.js'

/**
 * SpeakingServer is an http MCP server with sessions that sends notifications on the streams (GET) of its clients. Its tools are `pid`, and `slow`,
 * which reports progress and is answered when it is called once more.
 */
export interface SpeakingServer {
  readonly entry: ServerEntry
  /** Sends `notifications/message` with this text on all streams. */
  say(text: string): void
  /** The next call of `slow` is not answered again. */
  cool(): void
  close(): Promise<void>
}

interface Asked {
  readonly id?: unknown
  readonly method: string
  readonly params?: {
    readonly name?: string
    readonly _meta?: { readonly progressToken?: unknown }
  }
}

const write = (stream: ServerResponse, method: string, params: object): void => {
  stream.write(`data: ${JSON.stringify({ jsonrpc: '2.0', method, params })}\n\n`)
}

export const openSpeakingServer = async (): Promise<SpeakingServer> => {
  const streams = new Set<ServerResponse>()
  let isWarm = false
  const results: Readonly<Record<string, object>> = {
    initialize: {
      protocolVersion: '2025-11-25',
      serverInfo: { name: 'speaking', version: '1' },
      capabilities: { tools: {}, logging: {} },
    },
    'tools/list': {
      tools: ['pid', 'slow'].map((name) => ({
        name,
        inputSchema: { type: 'object' },
        annotations: { readOnlyHint: name === 'slow' },
      })),
    },
    'tools/call': { content: [{ type: 'text', text: String(process.pid) }] },
  }
  const serve = async (req: IncomingMessage, res: ServerResponse): Promise<void> => {
    if (req.method === 'GET') {
      res.writeHead(200, { 'content-type': 'text/event-stream' }).flushHeaders()
      streams.add(res)
      res.on('close', () => streams.delete(res))
      return
    }
    if (req.method !== 'POST') {
      res.writeHead(200).end()
      return
    }
    const { id, method, params } = (await json(req)) as Asked
    if (id === undefined) {
      res.writeHead(202).end()
      return
    }
    if (params?.name === 'slow' && !isWarm) {
      isWarm = true
      res.writeHead(200, { 'content-type': 'text/event-stream' })
      const { progressToken } = params._meta ?? {}
      write(res, 'notifications/progress', { progressToken, progress: 1 })
      return
    }
    res.writeHead(200, { 'content-type': 'application/json', 'mcp-session-id': 'session' })
    res.end(JSON.stringify({ jsonrpc: '2.0', id, result: results[method] ?? {} }))
  }
  const server = createServer((req, res) => void serve(req, res).catch(() => res.destroy()))
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const { port } = server.address() as AddressInfo
  return {
    entry: { url: `http://127.0.0.1:${port}/mcp`, era: 'legacy' },
    say(data) {
      for (const stream of streams) write(stream, 'notifications/message', { level: 'info', data })
    },
    cool: () => void (isWarm = false),
    async close() {
      server.closeAllConnections()
      await new Promise((closed) => server.close(closed))
    },
  }
}
