import { RouterError } from '@mcp-router/core'
import { createServer, ServerResponse } from 'node:http'
import type {
  IncomingMessage,
  OutgoingHttpHeader,
  OutgoingHttpHeaders,
  RequestListener,
  Server,
} from 'node:http'
import { Server as TcpServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { setTimeout as wait } from 'node:timers/promises'
import { openPlain } from './plain.js'
import type { PlainHooks } from './plain-connection.js'
import { spareWaiting } from './resumed.js'

/** Listener is the open port of an Instance. */
export interface Listener {
  /** `http://host:port`, with the port that was really opened. */
  readonly address: string
  /**
   * Takes no more connections and asks the peers of those that there are to close them with the next answer. It resolves a moment later,
   * when they have had the time to: a connection that is closed under a request costs a client its call.
   */
  refuse(): Promise<void>
  /** Cuts what is left. */
  close(): Promise<void>
}

/** Who sends slower than this is cut off; an answer may take as long as it likes. */
interface Limits {
  readonly requestHeadMs: number
  /** With its body. */
  readonly requestMs: number
  /** Longer than the proxy in front keeps idle connections, so that it closes first and never writes into a closing one. */
  readonly idleConnectionMs: number
}

/** How often requests under way are checked, ms. */
const usualCheckMs = 5_000
const backlog = 4_096
/** How long peers get to let go of kept connections before idle ones are closed, ms. */
const lingerMs = 300

/** Handlers serve what comes. */
export interface Handlers {
  /** Asked first; false: it is not for the data plane, and nothing was done. */
  readonly serve: PlainHooks['serve']
  /** Serves all others. */
  readonly otherwise: RequestListener
}
type Head = OutgoingHttpHeaders | OutgoingHttpHeader[]

/** listen opens the port; it rejects with a sentence that names the port and what to do. */
export const listen = async (
  host: string,
  port: number,
  limits: Limits,
  { serve, otherwise }: Handlers,
  checkMs = usualCheckMs,
): Promise<Listener> => {
  let refusing = false
  /** Whatever writes the head comes by here, so the answer to a request that came before `refuse` asks for the close, too. */
  class Answer extends ServerResponse {
    override writeHead(status: number, message?: string, headers?: Head): this
    override writeHead(status: number, headers?: Head): this
    override writeHead(status: number, ...more: unknown[]): this {
      if (refusing) this.shouldKeepAlive = false
      // One of the two forms above.
      return super.writeHead(status, ...(more as [Head?]))
    }
  }
  const server = createServer(
    {
      ServerResponse: Answer,
      noDelay: true,
      keepAliveTimeout: limits.idleConnectionMs,
      connectionsCheckingInterval: checkMs,
    },
    (req, res) => {
      if (hasHosts(req)) {
        refuseHosts(res)
        return
      }
      if (!serve(req, res)) otherwise(req, res)
    },
  )
  server.requestTimeout = limits.requestMs
  server.headersTimeout = limits.requestHeadMs
  const plain = openPlain(server, { ...limits, checkMs, serve, isRefusing: () => refusing })
  const stopSparing = spareWaiting(server, { requestHeadMs: limits.requestHeadMs, checkMs })
  await opened(server, host, port)
  // A server that listens on TCP has an AddressInfo.
  const bound = server.address() as AddressInfo
  const name = bound.family === 'IPv6' ? `[${bound.address}]` : bound.address
  return {
    address: `http://${name}:${bound.port}`,
    async refuse() {
      refusing = true
      // Not http.Server's close: that would also cut idle connections, on which a request may be coming in.
      TcpServer.prototype.close.call(server)
      await wait(lingerMs)
      plain.closeIdle()
      server.closeIdleConnections()
    },
    close() {
      stopSparing()
      plain.close()
      return new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      })
    },
  }
}

/** Node takes the first and drops the others. */
const hasHosts = ({ rawHeaders }: IncomingMessage): boolean => {
  let count = 0
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const name = rawHeaders[at] ?? ''
    if (name.length === 4 && name.toLowerCase() === 'host') count++
  }
  return count > 1
}

/** RFC 9112 §3.2 asks for 400. */
const refuseHosts = (res: ServerResponse): void => {
  const reason = 'it has more than one Host header'
  const { status, rpc: code, message } = new RouterError('INVALID_REQUEST', { reason })
  res.writeHead(status, ['content-type', 'application/json', 'connection', 'close'])
  res.end(JSON.stringify({ jsonrpc: '2.0', id: null, error: { code, message } }))
}

const opened = (server: Server, host: string, port: number): Promise<void> =>
  new Promise((resolve, reject) => {
    server.once('error', (cause: NodeJS.ErrnoException) => {
      reject(new Error(`listening on ${host}:${port}: ${reasonFor(cause)}`, { cause }))
    })
    server.listen({ host, port, backlog }, resolve)
  })

const reasonFor = (cause: NodeJS.ErrnoException): string => {
  if (cause.code === 'EADDRINUSE') return 'the port is busy; set --port or PORT to a free one'
  if (cause.code === 'EACCES')
    return 'not allowed; ports below 1024 need rights, set --port or PORT'
  return cause.message
}
