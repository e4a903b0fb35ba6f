import { Pool } from 'undici'
import type { Dispatcher } from 'undici'

/** HttpRequest is one request to an Endpoint; `headers` is flat: name, value, name, value. */
export interface HttpRequest {
  readonly method: 'GET' | 'POST' | 'DELETE'
  readonly headers: string[]
  readonly body?: Buffer
}

/** HttpHandler is what hears of the answer, undici's dispatch handler: one object per request, no closures. */
export type HttpHandler = Dispatcher.DispatchHandler
export type HttpController = Dispatcher.DispatchController

/** HttpClient keeps connections to every Endpoint alive. Deadlines are the caller's: abort through the controller. */
export interface HttpClient {
  dispatch(url: string, request: HttpRequest, handler: HttpHandler): void
  /** Ends all connections at once; what is in flight fails. */
  close(): Promise<void>
}

interface Target {
  readonly path: string
  readonly calls: Pool
  readonly streams: Pool
}

/** createHttpClient opens connections as they are needed. A GET may stream for hours, so streams have their own Pool. */
export const createHttpClient = (options: { readonly connectTimeoutMs: number }): HttpClient => {
  const pools = new Map<string, Pool>()
  const targets = new Map<string, Target>()

  const pool = (key: string, origin: string): Pool => {
    const known = pools.get(key)
    if (known) return known
    const opened = new Pool(origin, {
      connections: null,
      pipelining: 1,
      headersTimeout: 0,
      bodyTimeout: 0,
      connect: { timeout: options.connectTimeoutMs },
    })
    pools.set(key, opened)
    return opened
  }

  const target = (url: string): Target => {
    const known = targets.get(url)
    if (known) return known
    const { origin, pathname, search } = new URL(url)
    const made = {
      path: pathname + search,
      calls: pool(`calls ${origin}`, origin),
      streams: pool(`streams ${origin}`, origin),
    }
    // Paths of handed-off requests carry session ids: the table must not grow with them.
    if (targets.size < 1024) targets.set(url, made)
    return made
  }

  return {
    dispatch(url, request, handler) {
      const { path, calls, streams } = target(url)
      const { method, headers, body } = request
      const through = method === 'GET' ? streams : calls
      through.dispatch({ path, method, headers, body: body ?? null }, handler)
    },
    async close() {
      await Promise.all([...pools.values()].map((each) => each.destroy()))
    },
  }
}

const neverSent = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'EAI_AGAIN',
  'UND_ERR_CONNECT_TIMEOUT',
])

/** wasNeverSent tells that a request failed before a byte of it left, so that it may be repeated elsewhere. */
export const wasNeverSent = (error: unknown): boolean => {
  const code = error instanceof Error ? (error as NodeJS.ErrnoException).code : undefined
  return code !== undefined && neverSent.has(code)
}
