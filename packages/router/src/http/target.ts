import { longestMs, remembered } from '@mcp-router/core'

/** AskedDeadline is that of an address: undefined is the Backend's, `wrong` is none that can be kept. */
export type AskedDeadline = number | 'wrong' | undefined

/** longestSeconds is what an address may ask for. */
export const longestSeconds = longestMs / 1_000

/** Target is what a path asks for; names are as the client wrote them, not yet looked up. */
export type Target =
  | { readonly kind: 'call'; readonly backend: string; readonly deadlineMs: AskedDeadline }
  | { readonly kind: 'http'; readonly backend: string }
  | { readonly kind: 'sse'; readonly backend: string; readonly client: string }
  | { readonly kind: 'message'; readonly backend: string; readonly session: string }

const routePrefix = '/mcp/router/route/'

/** matchTarget reads the path and query of a request. Undefined: not an address of the data plane. */
export const matchTarget = (url: string): Target | undefined =>
  url.includes('?') ? match(url) : matchPath(url)

const match = (url: string): Target | undefined => {
  const split = url.indexOf('?')
  const whole = split < 0 ? url : url.slice(0, split)
  // Clients join addresses as they like: a slash at the end changes nothing, and a redirect would lose the body of some.
  const path = whole.endsWith('/') ? whole.slice(0, -1) : whole
  const query = new URLSearchParams(split < 0 ? '' : url.slice(split + 1))
  if (path.startsWith(routePrefix)) return matchCall(path.slice(routePrefix.length))
  const [first, backend, last, ...rest] = path.split('/').slice(1)
  if (rest.length > 0) return undefined
  if (first === 'sse' && last === undefined) return matchSse(backend, query)
  if (first !== 'mcp') return undefined
  const session = query.get('sessionId')
  if (backend === 'message' && last === undefined && session !== null) {
    return { kind: 'message', backend: '', session }
  }
  if (!backend) return undefined
  if (last === 'message')
    return { kind: 'message', backend: decode(backend), session: session ?? '' }
  return last === undefined ? { kind: 'http', backend: decode(backend) } : undefined
}

const matchPath = remembered(1_000, match)

const matchSse = (backend: string | undefined, query: URLSearchParams): Target | undefined => {
  const name = backend ? decode(backend) : query.get('serviceName')
  return name ? { kind: 'sse', backend: name, client: query.get('clientId') ?? '' } : undefined
}

const matchCall = (rest: string): Target | undefined => {
  const [backend = '', ...timeout] = rest.split('/')
  if (!backend) return undefined
  if (timeout.length === 0) return { kind: 'call', backend: decode(backend), deadlineMs: undefined }
  const [word, seconds = '', ...more] = timeout
  if (word !== 'timeout' || more.length > 0) return undefined
  return { kind: 'call', backend: decode(backend), deadlineMs: deadlineOf(seconds) }
}

const deadlineOf = (text: string): AskedDeadline => {
  const seconds = Number(text)
  const isOne = /^\d+$/.test(text) && seconds >= 1 && seconds <= longestSeconds
  return isOne ? seconds * 1_000 : 'wrong'
}

const decode = (text: string): string => {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}
