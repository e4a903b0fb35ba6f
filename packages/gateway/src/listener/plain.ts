import type { Server } from 'node:http'
import type { Socket } from 'node:net'
import { PlainConnection } from './plain-connection.js'
import type { PlainHooks } from './plain-connection.js'

/** PlainOptions: times in ms. */
interface PlainOptions {
  readonly requestHeadMs: number
  readonly idleConnectionMs: number
  /** How often connections are looked at. */
  readonly checkMs: number
  readonly serve: PlainHooks['serve']
  readonly isRefusing: () => boolean
}

/** Plain are the connections of a server that node:http has not been given. */
export interface Plain {
  /** Closes those on which no request is under way. */
  closeIdle(): void
  /** Cuts all of them. */
  close(): void
}

/**
 * openPlain stands before what node:http does with a connection: requests that can be read in one way only are read here, for less than half of
 * the CPU, and everything else of a connection is left to node:http, which listens, refuses, counts and times it as ever.
 */
export const openPlain = (server: Server, options: PlainOptions): Plain => {
  const { requestHeadMs, idleConnectionMs, checkMs, serve, isRefusing } = options
  const open = new Set<PlainConnection>()
  const toNode = takeOver(server)
  const hooks: PlainHooks = {
    serve,
    toNode,
    onClosed: (connection) => open.delete(connection),
    isRefusing,
    keepAliveS: Math.floor(idleConnectionMs / 1_000),
  }
  server.on('connection', (socket: Socket) => open.add(new PlainConnection(socket, hooks)))

  const check = setInterval(() => {
    const now = performance.now()
    const late = [...open].filter((each) => each.isLate(now, requestHeadMs, idleConnectionMs))
    // What has come by now was not read yet where this process was stopped.
    if (late.length > 0) setImmediate(() => late.forEach((each) => each.giveUp()))
  }, checkMs)
  check.unref()

  return {
    closeIdle: () => [...open].filter((each) => each.isIdle()).forEach((each) => each.close()),
    close() {
      clearInterval(check)
      for (const each of open) each.close()
    },
  }
}

/** takeOver removes what node:http does with a new connection, and returns it for one that was begun. */
const takeOver = (server: Server): PlainHooks['toNode'] => {
  const listeners = server.listeners('connection')
  server.removeAllListeners('connection')
  return (socket, bytes) => {
    socket.pause()
    if (bytes.length > 0) socket.unshift(bytes)
    for (const listener of listeners) listener.call(server, socket)
    socket.resume()
  }
}
