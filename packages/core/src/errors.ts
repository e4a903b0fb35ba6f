/** ErrorRow is how one cause is told to a client: HTTP status, JSON-RPC code, text. */
interface ErrorRow {
  readonly status: number
  readonly rpc: number
  /** Sent as `Retry-After`, seconds. */
  readonly retryAfterS?: number
  /** Clients get `data` as well. */
  readonly isPublic?: boolean
  readonly text: (data: ErrorData) => string
}

/** ErrorData fills in the text of an error; never arguments or secrets of a call. */
export type ErrorData = Readonly<Record<string, string | number | boolean | readonly string[]>>

/**
 * The one table of errors. JSON-RPC's own codes where it has one (JSON-RPC 2.0 §5.1), -32000 and -32001 where SDK clients
 * know them, and -31xxx, outside the reserved range, for what only a router can say: -31 and the HTTP status. -31001 is an answer, not a
 * failure of HTTP: what is known of a call that was accepted.
 */
const table = {
  PARSE_ERROR: {
    status: 400,
    rpc: -32700,
    text: () => 'Parse error: the body is not valid JSON; send one JSON-RPC message as UTF-8 JSON',
  },
  INVALID_REQUEST: {
    status: 400,
    rpc: -32600,
    text: (d) => `Invalid request: ${String(d['reason'])}`,
  },
  BODY_TOO_LARGE: {
    status: 413,
    rpc: -31413,
    text: (d) =>
      `Body too large: at most ${String(d['limit'])} bytes are accepted; pass big data by reference`,
  },
  UNSUPPORTED_CONTENT_TYPE: {
    status: 415,
    rpc: -32000,
    text: () => 'Unsupported media type: send Content-Type: application/json',
  },
  UNSUPPORTED_CODING: {
    status: 415,
    rpc: -32000,
    text: (d) =>
      `Unsupported content coding "${String(d['coding'])}": send the body without Content-Encoding`,
  },
  NOT_ACCEPTABLE: {
    status: 406,
    rpc: -32000,
    text: (d) => `Not acceptable: the client must accept ${String(d['types'])} (Accept header)`,
  },
  METHOD_NOT_ALLOWED: {
    status: 405,
    rpc: -32000,
    text: (d) =>
      `Method not allowed: ${String(d['hint'] ?? `this address takes ${String(d['allow'])}`)}`,
  },
  PATH_UNKNOWN: {
    status: 404,
    rpc: -31404,
    text: (d) =>
      `Not found: ${String(d['path'])}; ${String(d['hint'] ?? 'MCP is at /mcp/<server>, /sse/<server> and /mcp/router/route/<server>')}`,
  },
  BACKEND_UNKNOWN: {
    status: 404,
    rpc: -31404,
    text: (d) =>
      d['disabled'] === true
        ? `Server "${String(d['backend'])}" is disabled in ${fileIn(d)}; known are ${list(d['known'])}`
        : `Unknown server "${String(d['backend'])}": known are ${list(d['known'])}; servers are registered in ${fileIn(d)}`,
  },
  BACKEND_MISCONFIGURED: {
    status: 502,
    rpc: -31502,
    text: (d) =>
      `Server "${String(d['backend'])}" cannot be used: ${String(d['reason'])}; do not retry before the operator has corrected it`,
  },
  SESSION_REQUIRED: {
    status: 400,
    rpc: -32000,
    text: () => 'No session: send initialize first, then its Mcp-Session-Id with every request',
  },
  SESSION_NOT_FOUND: {
    status: 404,
    rpc: -32001,
    text: () =>
      'Session not found: it ended, expired or is not yours; send initialize to open a new session',
  },
  REVISION_UNSUPPORTED: {
    status: 400,
    rpc: -32000,
    text: (d) =>
      `Bad Request: Unsupported protocol version: ${String(d['revision'])} (supported: ${list(d['supported'])})`,
  },
  NO_HEALTHY_ENDPOINT: {
    status: 503,
    rpc: -31503,
    retryAfterS: 2,
    text: (d) =>
      `No endpoint of server "${String(d['backend'])}" can be reached${because(d)}; ${String(d['todo'] ?? 'check that the server is running')}`,
  },
  UPSTREAM_FAILED: {
    status: 502,
    rpc: -31502,
    retryAfterS: 2,
    text: (d) => `Server "${String(d['backend'])}" ${didIn(d)}${because(d)}; the call may have run`,
  },
  OPENING_FAILED: {
    status: 502,
    rpc: -31502,
    text: (d) =>
      `Server "${String(d['backend'])}" did not open a session${because(d)}; nothing was called. Check how it is configured, then try again`,
  },
  UPSTREAM_BAD_ANSWER: {
    status: 502,
    rpc: -31502,
    text: (d) => `Server "${String(d['backend'])}" returned an invalid MCP response${because(d)}`,
  },
  UPSTREAM_CREDENTIAL_REFUSED: {
    status: 502,
    rpc: -31502,
    text: (d) =>
      `Server "${String(d['backend'])}" refused the credential that the router sends to it (HTTP ${String(d['status'])}); the operator sets it under "headers" of that server`,
  },
  UPSTREAM_BUSY: {
    status: 503,
    rpc: -31503,
    retryAfterS: 2,
    text: (d) =>
      `Server "${String(d['backend'])}" takes no more requests at the moment (HTTP ${String(d['status'])}); retry later`,
  },
  DEADLINE_PASSED: {
    status: 504,
    rpc: -31504,
    text: (d) =>
      `No answer from server "${String(d['backend'])}" within ${String(d['seconds'])} s${d['isUnsent'] === true ? '; nothing was called' : ''}; set a longer deadline with /mcp/router/route/<server>/timeout/<seconds>, or "deadline" of that server in the servers file`,
  },
  CANCELLED: {
    status: 200,
    rpc: -31499,
    text: () => 'The request was cancelled by its client',
  },
  OWNER_UNREACHABLE: {
    status: 503,
    rpc: -31503,
    retryAfterS: 2,
    text: (d) => `The instance that holds this session cannot be reached${because(d)}; try again`,
  },
  OUTCOME_UNKNOWN: {
    status: 200,
    rpc: -31001,
    isPublic: true,
    text: (d) =>
      `Outcome unknown: ${nameOf(d)}was sent, and ${String(d['reason'] ?? 'the instance stopped before responding')}; it was ${d['repeated'] === true ? 'retried once, with the same outcome' : 'not retried'}. Find out whether it took effect before you call again`,
  },
  STORE_UNAVAILABLE: {
    status: 503,
    rpc: -31503,
    retryAfterS: 2,
    text: (d) => `The session store cannot be reached${because(d)}; retry in a few seconds`,
  },
  DRAINING: {
    status: 503,
    rpc: -31503,
    retryAfterS: 1,
    text: () => 'This instance is shutting down; try again and another one answers',
  },
  OVERLOADED: {
    status: 503,
    rpc: -31503,
    retryAfterS: 5,
    text: (d) => `Too many ${String(d['what'])}: the limit is ${String(d['limit'])}`,
  },
  FORBIDDEN_ORIGIN: {
    status: 403,
    rpc: -31403,
    text: (d) =>
      `Origin ${String(d['origin'])} is not allowed; the operator can list it in ALLOWED_ORIGINS`,
  },
  FORBIDDEN_HOST: {
    status: 403,
    rpc: -31403,
    text: (d) =>
      `Host ${String(d['host'])} is not allowed; the operator can list it in ALLOWED_HOSTS`,
  },
  FORBIDDEN_SITE: {
    status: 403,
    rpc: -31403,
    text: (d) =>
      `A request of another site (Sec-Fetch-Site: ${String(d['site'])}) without an allowed Origin; the operator can list the site in ALLOWED_ORIGINS`,
  },
  FORBIDDEN_CLIENT: {
    status: 403,
    rpc: -31403,
    text: () =>
      'A proxy forwards this request from another machine, and no token is set; the operator must set ACCESS_TOKEN',
  },
  UNAUTHENTICATED: {
    status: 401,
    rpc: -31401,
    text: () => 'Authentication required: send Authorization: Bearer <token>',
  },
  LOOP_DETECTED: {
    status: 508,
    rpc: -31508,
    text: (d) =>
      `Loop detected at ${String(d['at'])}: ${String(d['reason'])}; the "url" of a server leads back to this router. Do not retry before the operator has corrected it`,
  },
  INTERNAL: { status: 500, rpc: -32603, text: () => 'Internal error: see the log of the router' },
} as const satisfies Record<string, ErrorRow>

export type ErrorCode = keyof typeof table

/** errorCodes are all of the table, in its order; docs/errors.md explains each. */
export const errorCodes = Object.keys(table) as readonly ErrorCode[]

const list = (value: ErrorData[string] | undefined): string => {
  if (!Array.isArray(value) || value.length === 0) return 'none'
  return value.join(', ')
}

const fileIn = (data: ErrorData): string => String(data['file'] ?? 'the servers file')

const nameOf = (data: ErrorData): string => {
  if (data['tool']) return `the call of tool "${String(data['tool'])}" `
  return data['method'] ? `the request ${String(data['method'])} ` : 'the request '
}

const didIn = (data: ErrorData): string =>
  String(data['did'] ?? 'closed the connection before responding')

const because = (data: ErrorData): string => (data['reason'] ? ` (${String(data['reason'])})` : '')

/** RouterError is every error that the router tells a client. Throw it where the cause is known; `respond` answers it. */
export class RouterError extends Error {
  readonly code: ErrorCode
  readonly status: number
  readonly rpc: number
  readonly retryAfterS: number | undefined
  readonly data: ErrorData
  /** What of `data` the client gets as the `data` of its JSON-RPC error. */
  readonly publicData: ErrorData | undefined

  constructor(code: ErrorCode, data: ErrorData = {}, cause?: unknown) {
    const row: ErrorRow = table[code]
    super(row.text(data), cause === undefined ? undefined : { cause })
    this.name = 'RouterError'
    this.code = code
    this.data = data
    this.status = row.status
    this.rpc = row.rpc
    this.publicData = row.isPublic ? data : undefined
    this.retryAfterS = row.retryAfterS
  }
}

/** isServerFault tells whether an outcome of a call is one that an operator looks into: a 5xx, or a call whose outcome is unknown. */
export const isServerFault = (outcome: string): boolean => {
  const row = (table as Readonly<Record<string, ErrorRow>>)[outcome]
  return row !== undefined && (row.status >= 500 || outcome === 'OUTCOME_UNKNOWN')
}

/** asError is what was thrown, as an Error. */
export const asError = (thrown: unknown): Error =>
  thrown instanceof Error ? thrown : new Error(String(thrown))

/** asRouterError turns anything thrown into a RouterError; what is not one is INTERNAL, its cause kept for the log. */
export const asRouterError = (thrown: unknown): RouterError =>
  thrown instanceof RouterError ? thrown : new RouterError('INTERNAL', {}, thrown)

/** reasonOf is the shortest true sentence about a cause: its message, or the code of a system error. */
export const reasonOf = (cause: unknown): string => {
  if (!(cause instanceof Error)) return String(cause)
  const code = (cause as NodeJS.ErrnoException).code
  if (cause.message) return cause.message
  return code ?? cause.name
}

/** shortReason is the cause without the sentence that a RouterError makes of it. */
export const shortReason = (cause: unknown): string =>
  cause instanceof RouterError && typeof cause.data['reason'] === 'string'
    ? cause.data['reason']
    : reasonOf(cause)

/** didOf is what a server did with a call that it left without an answer: the rest of a sentence about it. */
export const didOf = (cause: unknown): string =>
  didIn(cause instanceof RouterError ? cause.data : {})
