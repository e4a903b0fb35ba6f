import { Pool } from 'undici'
import type { Dispatcher } from 'undici'
import { openOrigin } from './wire/origin.js'

/** HttpRequest is one request to an Endpoint; `headers` is flat: name, value, name, value. */
export interface HttpRequest {
  readonly method: 'GET' | 'POST' | 'DELETE'
  readonly headers: string[]
  /** The same list serves many requests and never changes: its text is kept. */
  readonly lasting?: boolean
  /** Beside those, for this request alone. */
  readonly more?: readonly string[]
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

type Dispatch = (path: string, request: HttpRequest, handler: HttpHandler) => void

interface Origin {
  readonly dispatch: Dispatch
  readonly close: () => Promise<void>
}

interface Target {
  readonly path: string
  readonly dispatch: Dispatch
}

interface Options {
  readonly connectTimeoutMs: number
}

/**
 * createHttpClient opens connections as they are needed. Plain HTTP goes through the router's own wire client, which costs a third of
 * the CPU of a library; TLS through undici.
 */
export const createHttpClient = ({ connectTimeoutMs }: Options): HttpClient => {
  const origins = new Map<string, Origin>()
  const targets = new Map<string, Target>()

  const originOf = (url: URL): Origin => {
    const known = origins.get(url.origin)
    if (known) return known
    const open = url.protocol === 'https:' ? openTls : openOrigin
    const opened = open(url, connectTimeoutMs)
    origins.set(url.origin, opened)
    return opened
  }

  const targetOf = (text: string): Target => {
    const known = targets.get(text)
    if (known) return known
    const url = new URL(text)
    const target = { path: url.pathname + url.search, dispatch: originOf(url).dispatch }
    // Addresses of handed-off requests carry session ids: the table must not grow with them.
    if (targets.size < 1024) targets.set(text, target)
    return target
  }

  return {
    dispatch(url, request, handler) {
      const { path, dispatch } = targetOf(url)
      dispatch(path, request, handler)
    },
    async close() {
      await Promise.all([...origins.values()].map((each) => each.close()))
    },
  }
}

/** A GET may stream for hours, so streams have a Pool of their own. */
const openTls = (url: URL, connectTimeoutMs: number): Origin => {
  const open = (): Pool =>
    new Pool(url.origin, {
      connections: null,
      pipelining: 1,
      headersTimeout: 0,
      bodyTimeout: 0,
      connect: { timeout: connectTimeoutMs },
    })
  const calls = open()
  const streams = open()
  return {
    dispatch(path, { method, headers, more, body }, handler) {
      const through = method === 'GET' ? streams : calls
      const all = more ? [...headers, ...more] : headers
      through.dispatch({ path, method, headers: all, body: body ?? null }, handler)
    },
    async close() {
      await Promise.all([calls.destroy(), streams.destroy()])
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

/** Node's own refusal to write on a connection whose other side has ended it; the kernel's EPIPE says something else. */
const endedByPeer = 'This socket has been ended by the other party'

/** wasNeverSent tells that a request failed before a byte of it left, so that it may be repeated elsewhere. */
export const wasNeverSent = (error: unknown): boolean => {
  if (!(error instanceof Error)) return false
  const { code } = error as NodeJS.ErrnoException
  if (code === 'EPIPE') return error.message === endedByPeer
  return code !== undefined && neverSent.has(code)
}
