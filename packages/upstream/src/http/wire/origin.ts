import { RouterError } from '@mcp-router/core'
import type { HttpHandler, HttpRequest } from '../handler.js'
import { refuseHandler } from '../handler.js'
import { Intake } from '../intake.js'
import type { ResponseLimits } from '../intake.js'
import { OutOfDescriptors } from '../reserve.js'
import type { Reserve } from '../reserve.js'
import { Connection } from './connection.js'
import { createHeadReader } from './head.js'

/** Origin is one `http://host:port` and the connections to it; as many as there are requests at once. */
export interface Origin {
  /** Never throws: what cannot be sent fails through the handler. */
  dispatch(path: string, request: HttpRequest, handler: HttpHandler, hops?: number): void
  close(): Promise<void>
}

export interface OriginOptions {
  readonly connectTimeoutMs: number
  readonly limits: ResponseLimits
  readonly reserve: Reserve
  /** ms */
  readonly tickMs: number
  /** Every request begins with these headers, a flat list. */
  readonly first: readonly string[]
}

/** Node's own servers keep idle connections for 5 s: this stays below, so that no request meets a closing one, ms. */
const idleMs = 4_000

/** The head is written as Latin-1: what is none would become other bytes, line breaks even. */
const unsafe = /[\r\n\0\u0100-\uffff]/

/** openOrigin keeps the last used connections on top of the pile, so that a quiet hour leaves few. */
export const openOrigin = (url: URL, options: OriginOptions): Origin => {
  const { connectTimeoutMs, limits, reserve, tickMs } = options
  const host = url.hostname.replace(/^\[|\]$/g, '')
  const port = Number(url.port || 80)
  const free: Connection[] = []
  const all = new Set<Connection>()
  const heads = new WeakMap<string[], string>()
  const readHead = createHeadReader()

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
    onError: (error: Error) => reserve.failed(error),
  }

  const open = (): Connection => {
    const intake = new Intake(url.origin, limits, dispatch)
    const connection = new Connection({ host, port, connectTimeoutMs, readHead }, intake, hooks)
    all.add(connection)
    return connection
  }

  const add = (parts: string[], headers: readonly string[]): boolean => {
    let named = false
    for (let at = 0; at + 1 < headers.length; at += 2) {
      const name = headers[at] ?? ''
      const value = headers[at + 1] ?? ''
      // Names are ours, or tokens that node:http has read.
      if (unsafe.test(value)) throw unsendable(name)
      named ||= name.length === 4 && name.toLowerCase() === 'host'
      parts.push(name, ': ', value, '\r\n')
    }
    return named
  }

  /** Only lasting lists are remembered: an entry for each request would be work for the collector. */
  const fieldsOf = ({ headers, lasting }: HttpRequest): string => {
    const known = lasting ? heads.get(headers) : undefined
    if (known !== undefined) return known
    const parts = [first]
    if (!add(parts, headers)) parts.push('host: ', url.host, '\r\n')
    // Joined, not added up: what is written must be one flat text, and flattening a rope costs more.
    const text = parts.join('')
    if (lasting) heads.set(headers, text)
    return text
  }

  const firstParts: string[] = []
  add(firstParts, options.first)
  const first = firstParts.join('')

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
    for (const connection of all) connection.tick()
  }, tickMs)
  sweep.unref()

  const dispatch: Origin['dispatch'] = (path, request, handler, hops = 0) => {
    let head: string
    try {
      head = headOf(path, request)
    } catch (error) {
      // The caller is not prepared to hear of it before it has its request.
      process.nextTick(refuseHandler, handler, error)
      return
    }
    const connection = take() ?? (reserve.mayConnect() ? open() : undefined)
    if (!connection) {
      process.nextTick(refuseHandler, handler, new OutOfDescriptors())
      return
    }
    connection.begin(path, request, handler, hops)
    connection.send(head, request.body)
  }

  return {
    dispatch,
    close() {
      clearInterval(sweep)
      for (const connection of all) connection.close()
      return Promise.resolve()
    },
  }
}

const unsendable = (name: string): RouterError =>
  new RouterError('INTERNAL', {}, new Error(`header ${name} holds what cannot be sent`))
