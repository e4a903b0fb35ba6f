import type { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js'
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js'
import { randomUUID } from 'node:crypto'

interface Session {
  readonly transport: StreamableHTTPServerTransport
  lastUsed: number
  /** Requests that are being answered; an open GET stream is one. */
  open: number
}

/** Sessions are the conversations of this process. `close` ends all of them. */
export interface Sessions {
  readonly size: number
  /**
   * Resolves with the transport of a new session, which gets its id when `initialize` is handled.
   */
  start(): Promise<StreamableHTTPServerTransport>
  /** The transport of a live session; `done` must be called when the request is over. */
  use(id: string): { transport: StreamableHTTPServerTransport; done: () => void } | undefined
  close(): Promise<void>
}

/** openSessions makes a server per session and ends those that nobody used for `idleMs`. */
export const openSessions = (createServer: () => McpServer, idleMs: number): Sessions => {
  const live = new Map<string, Session>()

  const reap = (): void => {
    for (const { transport, open, lastUsed } of live.values())
      if (open === 0 && Date.now() - lastUsed > idleMs) void transport.close()
  }
  const reaper = setInterval(reap, Math.min(idleMs, 60_000)).unref()

  return {
    get size() {
      return live.size
    },
    async start() {
      const transport = new StreamableHTTPServerTransport({
        sessionIdGenerator: randomUUID,
        onsessioninitialized: (id) => {
          live.set(id, { transport, lastUsed: Date.now(), open: 0 })
        },
      })
      await createServer().connect(transport)
      const closed = transport.onclose
      transport.onclose = () => {
        if (transport.sessionId !== undefined) live.delete(transport.sessionId)
        closed?.()
      }
      return transport
    },
    use(id) {
      const session = live.get(id)
      if (session === undefined) return undefined
      session.open += 1
      const done = (): void => {
        session.open -= 1
        session.lastUsed = Date.now()
      }
      return { transport: session.transport, done }
    },
    async close() {
      clearInterval(reaper)
      await Promise.all([...live.values()].map(({ transport }) => transport.close()))
    },
  }
}
