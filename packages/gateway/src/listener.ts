import { createServer } from 'node:http'
import type { RequestListener, Server } from 'node:http'
import { Server as TcpServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { setTimeout as wait } from 'node:timers/promises'

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

/** Longer than Nginx keeps idle connections (60 s), so that Nginx closes first and never writes into a closing one, ms. */
const keepAliveTimeoutMs = 75_000
const backlog = 4_096
/** How long peers get to let go of kept connections before idle ones are closed, ms. */
const lingerMs = 300

/** listen opens the port; it rejects with a sentence that names the port and what to do. */
export const listen = async (
  host: string,
  port: number,
  onRequest: RequestListener,
): Promise<Listener> => {
  let refusing = false
  const server = createServer(
    { noDelay: true, keepAliveTimeout: keepAliveTimeoutMs },
    (req, res) => {
      if (refusing) res.setHeader('connection', 'close')
      onRequest(req, res)
    },
  )
  server.requestTimeout = 0
  server.headersTimeout = 60_000
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
      server.closeIdleConnections()
    },
    close() {
      return new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      })
    },
  }
}

const opened = (server: Server, host: string, port: number): Promise<void> =>
  new Promise((resolve, reject) => {
    server.once('error', (cause: NodeJS.ErrnoException) => {
      reject(new Error(`listening on ${host}:${port}: ${reasonFor(cause)}`, { cause }))
    })
    server.listen({ host, port, backlog }, resolve)
  })

const reasonFor = (cause: NodeJS.ErrnoException): string => {
  if (cause.code === 'EADDRINUSE') return 'the port is busy; set PORT to a free one'
  if (cause.code === 'EACCES') return 'not allowed; ports below 1024 need rights, set PORT'
  return cause.message
}
