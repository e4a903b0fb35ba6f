import { longestMs, parseRedisUrl, reasonOf } from '@mcp-router/core'
import { isIP } from 'node:net'
import { z } from 'zod'
import { quoted } from './without-credentials.js'

// Every option of the router with its default. Everything is text at first: environment variables
// are, and the servers file is read as text so that `TOKEN: 0123` stays what was written.

const refuse = (context: z.RefinementCtx, message: string): never => {
  context.addIssue({ code: 'custom', message })
  return z.NEVER
}

const wholeNumber = (from: number, to: number) =>
  z.string().transform((text, context) => {
    const value = Number(text)
    if (/^\d+$/.test(text) && value >= from && value <= to) return value
    return refuse(context, `${quoted(text)} is not a whole number from ${from} to ${to}`)
  })

const decimal = (from: number, to: number, of = '') =>
  z.string().transform((text, context) => {
    const value = Number(text)
    if (/^[\d.]+$/.test(text) && value >= from && value <= to) return value
    return refuse(context, `${quoted(text)} is not a number${of} from ${from} to ${to}`)
  })

const commaSeparated = z.string().transform((text) =>
  text
    .split(',')
    .map((item) => item.trim())
    .filter((item) => item !== ''),
)

/** A password may hold a comma: then only the whole tells where it ends. */
const quotedOf = (items: readonly string[], item: string): string => {
  const whole = items.join(',')
  return quoted(/@|%40/.test(whole) ? whole : item)
}

const matching = (shape: RegExp, wanted: string) =>
  z.string().regex(shape, { error: ({ input }) => `${quoted(String(input))} is not ${wanted}` })

const oneOf = <const Word extends string>(words: readonly Word[]) =>
  z.enum(words, {
    error: ({ input }) => `${quoted(String(input))} is not one of ${words.join(', ')}`,
  })

const flag = oneOf(['true', 'false']).transform((text) => text === 'true')
const port = wholeNumber(1, 65_535)
const dayMs = 24 * 60 * 60 * 1000
const milliseconds = wholeNumber(1, longestMs)
const instanceId = matching(
  /^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/,
  'an instance id: letters, digits, ".", "_" and "-"',
)

const hostName = z.string().transform((text, context) => {
  const bare = text.replace(/^\[(.*)\]$/, '$1')
  if (isIP(bare) > 0 || /^[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?$/.test(text)) return bare
  return refuse(context, `${quoted(text)} is not a host name or an IP address`)
})

const hostNames = commaSeparated.transform((names, context) => {
  // Compared as it is: of a pattern no Host is ever one.
  const pattern = names.find((name) => name.includes('*'))
  if (pattern !== undefined)
    return refuse(context, `${quotedOf(names, pattern)} is not a host name; write out each name`)
  const wrong = names.find((name) => /[/\s]|^[^[]*:/.test(name))
  if (wrong === undefined) return names.map((name) => name.toLowerCase())
  return refuse(
    context,
    `${quotedOf(names, wrong)} is not a host name; leave out the scheme and the port`,
  )
})

const origins = commaSeparated.transform((texts, context) => {
  const wrong = texts.find((text) => !/^https?:\/\/[^/]+$/.test(text) || !URL.canParse(text))
  if (wrong === undefined) return texts.map((text) => new URL(text).origin)
  return refuse(context, `${quotedOf(texts, wrong)} is not an origin like https://app.example`)
})

const proxies = commaSeparated.transform((texts, context) => {
  const wrong = texts.find((text) => text !== 'loopback' && !isSubnet(text))
  if (wrong === undefined) return texts
  return refuse(
    context,
    `${quotedOf(texts, wrong)} is not an address, a subnet like 10.0.0.0/8, or "loopback"`,
  )
})

const isSubnet = (text: string): boolean => {
  const [address = '', length, ...rest] = text.split('/')
  const family = isIP(address)
  if (family === 0 || rest.length > 0) return false
  return length === undefined || (/^\d{1,3}$/.test(length) && Number(length) <= bitsOf(family))
}

const bitsOf = (family: number): number => (family === 4 ? 32 : 128)

// The messages about these two leave out the value: it may hold a password.
const redisUrl = z.string().superRefine((text, context) => {
  if (!/^(rediss?(\+sentinel|\+cluster)?:\/\/[^/]|unix:\/\/\/.)/.test(text)) {
    refuse(context, 'not a Redis address like redis://host:6379 or unix:///absolute/redis.sock')
    return
  }
  try {
    parseRedisUrl(text)
  } catch (error) {
    // The forms that it goes on to list look like a URL with a password.
    refuse(context, reasonOf(error).replace(/; write .*$/s, ''))
  }
})
const token = z.string().regex(/^[\x21-\x7e]+$/, 'only visible ASCII characters, no spaces')

/**
 * environmentSchema is every variable that the router reads. A second name of a variable is in
 * `secondNames`.
 */
export const environmentSchema = z.object({
  INSTANCE_ID: instanceId.optional(),
  HOST: hostName.default('127.0.0.1'),
  /** 0: any free port. */
  PORT: wholeNumber(0, 65_535).default(8051),
  REDIS_URL: redisUrl.optional(),
  CLUSTER_SECRET: token.optional(),
  MCP_STRICT: flag.default(false),
  MCP_SERVERS_FILE: z.string().default('mcp-servers.yaml'),
  MCP_SESSION_TTL_MS: milliseconds.default(1_800_000),
  /** Renewed after a third of it. */
  MCP_LEASE_MS: wholeNumber(300, dayMs).default(15_000),
  MCP_TOUCH_MS: milliseconds.default(5_000),
  MCP_KEEPALIVE_MS: milliseconds.default(15_000),
  MCP_DRAIN_MS: wholeNumber(0, dayMs).default(30_000),
  MCP_IDLE_UPSTREAM_MS: milliseconds.default(300_000),
  /** How long a server may take to answer `initialize`; a command may first have to be fetched. */
  MCP_OPEN_TIMEOUT_MS: milliseconds.default(60_000),
  /** Of one principal at one server, at each instance. */
  MCP_MAX_SESSIONS: wholeNumber(1, 1_000_000).default(10_000),
  /** The same where the server is a command: each may run a process. */
  MCP_MAX_STDIO_SESSIONS: wholeNumber(1, 100_000).default(100),
  /** Of one server that is a command, for calls that may ask their client, at each instance. */
  MCP_MAX_PROCESSES: wholeNumber(1, 10_000).default(8),
  /** The params of `initialize`. */
  MCP_MAX_HANDSHAKE_BYTES: wholeNumber(1_024, 1_073_741_824).default(65_536),
  MCP_INPUT_TTL_MS: milliseconds.default(600_000),
  MCP_ENDPOINT_PATIENCE_MS: milliseconds.default(5_000),
  MCP_MAX_BODY_BYTES: wholeNumber(1_024, 1_073_741_824).default(4_194_304),
  /** Of a server: a body that is no event stream, one event of a stream, one line of a command. */
  MCP_MAX_RESPONSE_BYTES: wholeNumber(65_536, 1_073_741_824).default(67_108_864),
  /** How long the body of a response may stop after its first byte. */
  MCP_RESPONSE_IDLE_MS: milliseconds.default(30_000),
  ACCESS_TOKEN: token.optional(),
  ALLOWED_HOSTS: hostNames.default([]),
  ALLOWED_ORIGINS: origins.default([]),
  TRUSTED_PROXIES: proxies.default([]),
  PROXY_SECRET: token.optional(),
  LOG_LEVEL: oneOf(['error', 'warn', 'info', 'debug']).default('info'),
  LOG_FILE: z.string().optional(),
  ROUTER_INSTANCES: wholeNumber(1, 64).default(3),
  ROUTER_BASE_PORT: port.default(8051),
  GATEWAY_HOST: hostName.default('127.0.0.1'),
  GATEWAY_PORT: port.default(8080),
  GATEWAY_CLIENT_CONNECTIONS: wholeNumber(1, 1_000_000).default(2_048),
  MCP_AFFINITY: oneOf(['ip_hash', 'session', 'round_robin']).default('ip_hash'),
  MCP_RUN_DIR: z.string().default('.run'),
  /** Of the private Redis; 0: no limit. */
  MCP_REDIS_MAX_BYTES: wholeNumber(0, 2 ** 50).default(268_435_456),
  /** Whether `cluster` restarts what dies. */
  MCP_SUPERVISE: oneOf(['on', 'off']).default('on'),
})

/** Environment is the parsed variables. */
export type Environment = z.output<typeof environmentSchema>
export type Variable = keyof Environment

/** secondNames are what earlier systems called a variable; the first name wins. */
export const secondNames: Readonly<Partial<Record<Variable, string>>> = {
  PORT: 'SERVER_PORT',
  INSTANCE_ID: 'MCP_SESSION_INSTANCE_ID',
}

/** Variables that may also be read from a file, whose path is in `<name>_FILE`. */
export const secrets = [
  'ACCESS_TOKEN',
  'CLUSTER_SECRET',
  'PROXY_SECRET',
  'REDIS_URL',
] as const satisfies readonly Variable[]

/** fileVariable names the file that a secret is read from. */
export const fileVariable = (name: Variable): string => `${name}_FILE`

/** The Instances of a cluster are called so, and numbered, unless INSTANCE_ID is set. */
export const defaultInstancePrefix = 'router-instance'

/** Names that a request may always be addressed to. */
export const loopbackNames: readonly string[] = ['localhost', '127.0.0.1', '[::1]']

const transports = [
  ['http', 'http'],
  ['streamablehttp', 'http'],
  ['sse', 'sse'],
  ['stdio', 'stdio'],
  ['local', 'stdio'],
] as const

/** Other MCP programs write it in capitals, with `-` or `_`. */
const transport = z.string().transform((text, context) => {
  const plain = text.toLowerCase().replace(/[-_]/g, '')
  const found = transports.find(([name]) => name === plain)?.[1]
  return found ?? refuse(context, `${quoted(text)} is not one of http, sse, stdio, streamable-http`)
})

/**
 * isOwnHeader tells the headers that the router writes itself in a request to a server, so that another one would stand beside them: framing
 * and connection (RFC 9112), MCP's own, trace context. `host` is none: there the router gives way.
 */
export const isOwnHeader = (name: string): boolean =>
  ownHeaders.has(name.toLowerCase()) || /^mcp-param-/i.test(name)

const ownHeaders: ReadonlySet<string> = new Set([
  ...['content-length', 'transfer-encoding', 'te', 'trailer', 'connection', 'keep-alive'],
  ...['proxy-connection', 'upgrade', 'expect', 'accept-encoding', 'content-encoding'],
  ...['accept', 'content-type', 'last-event-id', 'traceparent', 'tracestate'],
  ...['mcp-session-id', 'mcp-protocol-version', 'mcp-method', 'mcp-name'],
])

const texts = z.record(z.string(), z.string())
const argument = z.string().regex(/^[^\0]*$/, 'has a NUL character, which no process can be given')
const variables = z.record(z.string(), argument).superRefine((held, context) => {
  const message = 'no process can be given a variable of this name'
  for (const name of Object.keys(held))
    if (!/^[^=\0]+$/.test(name)) context.addIssue({ code: 'custom', message, path: [name] })
})

/** serverSchema is what a Backend has beside its Endpoints. */
export const serverSchema = z.strictObject({
  endpoints: z.array(z.unknown()).min(1, 'there is no endpoint').optional(),
  /** Seconds that the server may leave a call alone: without an answer, and without a word about it. */
  deadline: decimal(0.001, longestMs / 1000, ' of seconds').default(300),
  disabled: flag.default(false),
  /** What its http endpoints speak: with sessions, without, or to be found out. */
  era: oneOf(['auto', 'legacy', 'modern']).default('auto'),
  /** Which calls may run twice when an instance or a server goes away in the middle of one. */
  retry: oneOf(['safe', 'always']).default('safe'),
})

const endpointShape = {
  transport: transport.optional(),
  type: transport.optional(),
  weight: decimal(0, 1_000_000).default(1),
}

/** urlEndpointSchema is an Endpoint that is reached by URL. */
export const urlEndpointSchema = z.strictObject({
  ...endpointShape,
  url: z.string(),
  headers: texts.default({}),
  start: argument.optional(),
  /** Of what `start` runs. */
  env: variables.default({}),
  user: z.string().optional(),
})

/** commandEndpointSchema is an Endpoint that is run. */
export const commandEndpointSchema = z.strictObject({
  ...endpointShape,
  command: argument.regex(/\S/, 'the command is empty'),
  args: z.array(argument).default([]),
  env: variables.default({}),
  /** A file of `NAME=value` lines; `env` stands above it. */
  envFile: argument.regex(/\S/, 'the path is empty').optional(),
  cwd: argument.optional(),
  /** Whom the command runs as; only root may say so. */
  user: z.string().optional(),
})

/** entryKeys are all that an entry of the servers file may say. */
export const entryKeys: readonly string[] = [
  ...new Set(
    [serverSchema, urlEndpointSchema, commandEndpointSchema].flatMap(({ shape }) =>
      Object.keys(shape),
    ),
  ),
]
