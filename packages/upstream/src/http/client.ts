import { buildConnector, Pool } from 'undici'
import type { HttpHandler, HttpRequest } from './handler.js'
import { Intake } from './intake.js'
import { loopHeader } from './loop-guard.js'
import type { LoopGuard } from './loop-guard.js'
import { noReserve, OutOfDescriptors } from './reserve.js'
import type { Reserve } from './reserve.js'
import { openOrigin } from './wire/origin.js'
import type { OriginOptions } from './wire/origin.js'

/** HttpClient keeps connections to every Endpoint alive. Deadlines are the caller's: abort through the controller. */
export interface HttpClient {
  /** The most bytes of one answer, or of one event of a stream. */
  readonly maxResponseBytes: number
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
  readonly maxResponseBytes?: number
  /** How long a body that has begun may stop, ms. */
  readonly responseIdleMs?: number
  /** Without it connections may take the last descriptor. */
  readonly reserve?: Reserve
  /** Without it requests say nothing of the routers that they came through. */
  readonly loops?: LoopGuard
}

/** What one response, event or line of a server may have at most, where nothing else is configured. */
export const defaultMaxResponseBytes = 64 * 1024 * 1024

/**
 * createHttpClient opens connections as they are needed. Plain HTTP goes through the router's own wire client, which costs a third of
 * the CPU of a library; TLS through undici.
 */
export const createHttpClient = ({
  connectTimeoutMs,
  maxResponseBytes = defaultMaxResponseBytes,
  responseIdleMs = 30_000,
  reserve = noReserve,
  loops,
}: Options): HttpClient => {
  const tickMs = Math.min(1_000, responseIdleMs / 4)
  const limits = { maxBytes: maxResponseBytes, maxQuietTicks: Math.ceil(responseIdleMs / tickMs) }
  const options = { connectTimeoutMs, limits, reserve, tickMs, first: headersOfAll(loops) }
  const origins = new Map<string, Origin>()
  const targets = new Map<string, Target>()

  const originOf = (url: URL): Origin => {
    const known = origins.get(url.origin)
    if (known) return known
    const open = url.protocol === 'https:' ? openTls : openOrigin
    const opened = open(url, options)
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
    maxResponseBytes,
    dispatch(url, request, handler) {
      const { path, dispatch } = targetOf(url)
      const routers = loops?.routers()
      if (!loops || routers === undefined) dispatch(path, request, handler)
      else loops.outside(() => dispatch(path, through(request, routers), handler))
    },
    async close() {
      await Promise.all([...origins.values()].map((each) => each.close()))
    },
  }
}

/** Bodies are wanted as they are: what is compressed could not be passed on byte by byte. */
const headersOfAll = (loops: LoopGuard | undefined): readonly string[] => [
  ...['accept-encoding', 'identity'],
  ...(loops ? [loopHeader, loops.marker] : []),
]

/** through names the routers that passed on what this request is sent for, beside this one. */
const through = (request: HttpRequest, routers: string): HttpRequest => ({
  ...request,
  more: [...(request.more ?? []), loopHeader, routers],
})

/** A GET may stream for hours, so streams have a Pool of their own. */
const openTls = (url: URL, options: OriginOptions): Origin => {
  const { limits, tickMs, first } = options
  const connect = reservedConnector(options)
  const open = (): Pool =>
    new Pool(url.origin, {
      connections: null,
      pipelining: 1,
      headersTimeout: 0,
      bodyTimeout: 0,
      connect,
    })
  const calls = open()
  const streams = open()
  const underway = new Set<Intake>()
  const sweep = setInterval(() => {
    for (const intake of underway) intake.tick()
  }, tickMs)
  sweep.unref()

  const dispatch = (
    path: string,
    request: HttpRequest,
    handler: HttpHandler,
    hops: number,
  ): void => {
    const { method, headers, more, body } = request
    const intake = new Intake(url.origin, limits, dispatch, () => underway.delete(intake))
    underway.add(intake)
    intake.begin(path, request, handler, hops)
    const through = method === 'GET' ? streams : calls
    const all = [...first, ...headers, ...(more ?? [])]
    through.dispatch({ path, method, headers: all, body: body ?? null }, intake)
  }

  return {
    dispatch: (path, request, handler) => dispatch(path, request, handler, 0),
    async close() {
      clearInterval(sweep)
      await Promise.all([calls.destroy(), streams.destroy()])
    },
  }
}

/** reservedConnector opens connections of undici's, where there are descriptors for them. */
const reservedConnector = ({ connectTimeoutMs, reserve }: OriginOptions): Connector => {
  const connect = buildConnector({ timeout: connectTimeoutMs })
  return (to, done) => {
    if (!reserve.mayConnect()) {
      process.nextTick(done, new OutOfDescriptors(), null)
      return
    }
    connect(to, (...[error, socket]: Parameters<typeof done>) => {
      if (error) {
        reserve.failed(error)
        done(error, null)
      } else done(null, socket)
    })
  }
}
type Connector = ReturnType<typeof buildConnector>

const neverSent: ReadonlySet<string> = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'EAI_AGAIN',
  'UND_ERR_CONNECT_TIMEOUT',
])

/** What only opening a connection can fail with: descriptors or ports of this machine are used up. */
const exhausted: ReadonlySet<string> = new Set(['EMFILE', 'ENFILE', 'EADDRNOTAVAIL'])

/** isExhausted tells that a connection could not be opened for want of descriptors or ports here: it says nothing of the other side. */
export const isExhausted = (error: unknown): boolean =>
  error instanceof Error && exhausted.has((error as NodeJS.ErrnoException).code ?? '')

/** Node's own refusal to write on a connection whose other side has ended it; the kernel's EPIPE says something else. */
const endedByPeer = 'This socket has been ended by the other party'

/** wasNeverSent tells that a request failed before a byte of it left, so that it may be repeated elsewhere. */
export const wasNeverSent = (error: unknown): boolean => {
  if (!(error instanceof Error)) return false
  const { code } = error as NodeJS.ErrnoException
  if (code === 'EPIPE') return error.message === endedByPeer
  return code !== undefined && (neverSent.has(code) || exhausted.has(code))
}
