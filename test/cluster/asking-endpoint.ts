import { randomUUID } from 'node:crypto'
import { createServer } from 'node:http'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as wait } from 'node:timers/promises'
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js'
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js'
import { z } from 'zod'

/** AskingEndpoint is an http MCP server with sessions, on the official SDK. Its tool `ask` asks the user on the session's own stream (GET). */
export interface AskingEndpoint {
  readonly url: string
  /** The ports that the GET streams of a session come from which are open now. */
  streamPorts(session: string): readonly number[]
  close(): Promise<void>
}

const ask = { n: z.number(), waitMs: z.number() }

const requestedSchema = {
  type: 'object' as const,
  properties: { name: { type: 'string' as const } },
  required: ['name'],
}

/** openServer is that of one session. */
const openServer = (): McpServer => {
  const mcp = new McpServer({ name: 'asking', version: '1' })
  mcp.registerTool('ask', { inputSchema: ask }, async ({ n, waitMs }) => {
    await wait(waitMs)
    // Without `relatedRequestId` a question goes on the standalone stream.
    const { content } = await mcp.server.elicitInput({ message: String(n), requestedSchema })
    return { content: [{ type: 'text', text: String(content?.['name']) }] }
  })
  return mcp
}

export const openAskingEndpoint = async (answers: 'json' | 'events'): Promise<AskingEndpoint> => {
  const sessions = new Map<string, StreamableHTTPServerTransport>()
  const streams = new Map<ServerResponse, { readonly session: string; readonly port: number }>()
  const open = async (): Promise<StreamableHTTPServerTransport> => {
    const transport = new StreamableHTTPServerTransport({
      sessionIdGenerator: () => randomUUID(),
      onsessioninitialized: (id) => void sessions.set(id, transport),
      enableJsonResponse: answers === 'json',
    })
    await openServer().connect(transport)
    return transport
  }
  const serve = async (req: IncomingMessage, res: ServerResponse): Promise<void> => {
    const id = req.headers['mcp-session-id']
    const transport = typeof id === 'string' ? sessions.get(id) : await open()
    if (!transport) {
      res.writeHead(404).end()
      return
    }
    if (req.method === 'GET') {
      streams.set(res, { session: String(id), port: req.socket.remotePort ?? 0 })
      res.once('close', () => streams.delete(res))
    }
    await transport.handleRequest(req, res)
  }
  const server = createServer((req, res) => void serve(req, res).catch(() => res.destroy()))
  await new Promise<void>((listens) => server.listen(0, '127.0.0.1', listens))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/mcp`,
    streamPorts: (session) =>
      [...streams]
        .filter(([res, of]) => of.session === session && res.headersSent && res.statusCode === 200)
        .map(([, { port }]) => port),
    close() {
      server.closeAllConnections()
      return new Promise((closed) => void server.close(() => closed()))
    },
  }
}
