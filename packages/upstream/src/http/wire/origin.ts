import type { HttpHandler, HttpRequest } from '../client.js'
import { Connection } from './connection.js'

/** Origin is one `http://host:port` and the connections to it; as many as there are requests at once. */
export interface Origin {
  dispatch(path: string, request: HttpRequest, handler: HttpHandler): void
  close(): Promise<void>
}

/** Node's own servers keep idle connections for 5 s: this stays below, so that no request meets a closing one, ms. */
const idleMs = 4_000
const sweepMs = 1_000

/** The head is written as Latin-1: what is none would become other bytes, line breaks even. */
const unsafe = /[\r\n\0\u0100-\uffff]/

/** openOrigin keeps the last used connections on top of the pile, so that a quiet hour leaves few. */
export const openOrigin = (url: URL, connectTimeoutMs: number): Origin => {
  const host = url.hostname.replace(/^\[|\]$/g, '')
  const port = Number(url.port || 80)
  const free: Connection[] = []
  const all = new Set<Connection>()
  const heads = new WeakMap<string[], string>()

  const hooks = {
    onFree(connection: Connection): void {
      connection.freeSince = Date.now()
      free.push(connection)
    },
    onClosed(connection: Connection): void {
      all.delete(connection)
      const at = free.indexOf(connection)
      if (at >= 0) free.splice(at, 1)
    },
  }

  const open = (): Connection => {
    const connection = new Connection(host, port, connectTimeoutMs, hooks)
    all.add(connection)
    return connection
  }

  const add = (parts: string[], headers: readonly string[]): boolean => {
    let named = false
    for (let at = 0; at + 1 < headers.length; at += 2) {
      const name = headers[at] ?? ''
      const value = headers[at + 1] ?? ''
      // Names are ours, or tokens that node:http has read.
      if (unsafe.test(value)) throw new TypeError(`header ${name} holds what cannot be sent`)
      named ||= name.length === 4 && name.toLowerCase() === 'host'
      parts.push(name, ': ', value, '\r\n')
    }
    return named
  }

  /** Only lasting lists are remembered: an entry for each request would be work for the collector. */
  const fieldsOf = ({ headers, lasting }: HttpRequest): string => {
    const known = lasting ? heads.get(headers) : undefined
    if (known !== undefined) return known
    const parts: string[] = []
    if (!add(parts, headers)) parts.push('host: ', url.host, '\r\n')
    // Joined, not added up: what is written must be one flat text, and flattening a rope costs more.
    const text = parts.join('')
    if (lasting) heads.set(headers, text)
    return text
  }

  const headOf = (path: string, request: HttpRequest): string => {
    const { method, more } = request
    const parts = [method, ' ', path, ' HTTP/1.1\r\n', fieldsOf(request)]
    if (more) add(parts, more)
    return parts.join('')
  }

  const take = (): Connection | undefined => {
    for (;;) {
      const connection = free.pop()
      if (!connection || connection.isUsable()) return connection
      connection.close()
    }
  }

  const sweep = setInterval(() => {
    const oldest = Date.now() - idleMs
    // The pile is ordered by time: the longest idle ones are at the bottom.
    while (free[0] && free[0].freeSince < oldest) free.shift()?.close()
  }, sweepMs)
  sweep.unref()

  return {
    dispatch(path, request, handler) {
      const head = headOf(path, request)
      const connection = take() ?? open()
      connection.send(head, request.body, handler)
    },
    close() {
      clearInterval(sweep)
      for (const connection of all) connection.close()
      return Promise.resolve()
    },
  }
}
