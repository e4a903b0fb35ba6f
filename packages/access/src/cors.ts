import type { IncomingHttpHeaders } from 'node:http'

/** What a page of another origin may read of a response, beside its body. */
export const exposedHeaders = 'Mcp-Session-Id, WWW-Authenticate, Retry-After, MCP-Protocol-Version'

const methods = 'GET, POST, DELETE'
const requestHeaders = [
  'content-type',
  'accept',
  'authorization',
  'mcp-protocol-version',
  'mcp-method',
  'mcp-name',
  'mcp-session-id',
  'last-event-id',
]
const paramHeader = /^mcp-param-[\w-]{1,128}$/
/** How long a browser may remember the answer to a preflight, seconds. */
const maxAge = '600'

/**
 * createCors lets pages of the listed origins read what they are answered, errors too (WHATWG fetch, CORS protocol). It is called before
 * anything else sees the request: a preflight carries no token. True: it was a preflight, and is answered.
 */
export const createCors = (allowedOrigins: readonly string[]) => {
  const origins = new Set(allowedOrigins)
  return (req: Asked, res: Answered): boolean => {
    const { origin } = req.headers
    if (origin === undefined) return false
    res.setHeader('vary', 'Origin')
    // Who is not listed is refused where every request is judged.
    if (!origins.has(origin)) return false
    res.setHeader('access-control-allow-origin', origin)
    res.setHeader('access-control-expose-headers', exposedHeaders)
    if (req.method !== 'OPTIONS') return false
    if (req.headers['access-control-request-method'] === undefined) return false
    res.setHeader('vary', 'Origin, Access-Control-Request-Headers')
    res
      .writeHead(204, [
        ...['access-control-allow-methods', methods],
        ...['access-control-allow-headers', allowed(req.headers['access-control-request-headers'])],
        ...['access-control-max-age', maxAge],
      ])
      .end()
    return true
  }
}

interface Asked {
  readonly method?: string | undefined
  readonly headers: IncomingHttpHeaders
}

interface Answered {
  setHeader(name: string, value: string): unknown
  writeHead(status: number, head: string[]): { end(): unknown }
}

/** A wildcard would leave out Authorization; which parameters a tool mirrors is not known here. */
const allowed = (wanted: string | undefined): string => {
  const params = (wanted ?? '')
    .toLowerCase()
    .split(',')
    .map((name) => name.trim())
    .filter((name) => paramHeader.test(name))
  return [...requestHeaders, ...params].join(', ')
}
