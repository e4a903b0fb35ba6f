import { isIP } from 'node:net'
import { z } from 'zod'

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
    return refuse(context, `"${text}" is not a whole number from ${from} to ${to}`)
  })

const decimal = (from: number) =>
  z.string().transform((text, context) => {
    const value = Number(text)
    if (/^[\d.]+$/.test(text) && value >= from) return value
    return refuse(context, `"${text}" is not a number of ${from} or more`)
  })

const commaSeparated = z.string().transform((text) =>
  text
    .split(',')
    .map((item) => item.trim())
    .filter((item) => item !== ''),
)

const matching = (shape: RegExp, wanted: string) =>
  z.string().regex(shape, { error: ({ input }) => `"${String(input)}" is not ${wanted}` })

const oneOf = <const Word extends string>(words: readonly Word[]) =>
  z.enum(words, { error: ({ input }) => `"${String(input)}" is not one of ${words.join(', ')}` })

const port = wholeNumber(1, 65_535)
const dayMs = 24 * 60 * 60 * 1000
const milliseconds = wholeNumber(1, 365 * dayMs)
const instanceId = matching(
  /^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/,
  'an instance id: letters, digits, ".", "_" and "-"',
)

const hostName = z.string().transform((text, context) => {
  const bare = text.replace(/^\[(.*)\]$/, '$1')
  if (isIP(bare) > 0 || /^[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?$/.test(text)) return bare
  return refuse(context, `"${text}" is not a host name or an IP address`)
})

const hostNames = commaSeparated.transform((names, context) => {
  const wrong = names.find((name) => /[/\s]|^[^[]*:/.test(name))
  if (wrong === undefined) return names.map((name) => name.toLowerCase())
  return refuse(context, `"${wrong}" is not a host name; leave out the scheme and the port`)
})

const origins = commaSeparated.transform((texts, context) => {
  const wrong = texts.find((text) => !/^https?:\/\/[^/]+$/.test(text) || !URL.canParse(text))
  if (wrong === undefined) return texts.map((text) => new URL(text).origin)
  return refuse(context, `"${wrong}" is not an origin like https://app.example`)
})

// The messages about these two leave out the value: it may hold a password. `store` reads the rest
// of the address.
const redisUrl = z
  .string()
  .regex(
    /^(rediss?(\+sentinel|\+cluster)?:\/\/[^/]|unix:\/\/\/.)/,
    'not a Redis address like redis://host:6379 or unix:///absolute/redis.sock',
  )
const token = z.string().regex(/^[\x21-\x7e]+$/, 'only visible ASCII letters, no spaces')

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
  MCP_SERVERS_FILE: z.string().default('mcp-servers.yaml'),
  MCP_SESSION_TTL_MS: milliseconds.default(1_800_000),
  /** Renewed after a third of it. */
  MCP_LEASE_MS: wholeNumber(300, dayMs).default(15_000),
  MCP_TOUCH_MS: milliseconds.default(5_000),
  MCP_KEEPALIVE_MS: milliseconds.default(15_000),
  MCP_DRAIN_MS: wholeNumber(0, dayMs).default(30_000),
  MCP_IDLE_UPSTREAM_MS: milliseconds.default(300_000),
  MCP_INPUT_TTL_MS: milliseconds.default(600_000),
  MCP_ENDPOINT_PATIENCE_MS: milliseconds.default(5_000),
  MCP_MAX_BODY_BYTES: wholeNumber(1_024, 1_073_741_824).default(4_194_304),
  ACCESS_TOKEN: token.optional(),
  ALLOWED_HOSTS: hostNames.default(['mcp-bridge.local']),
  ALLOWED_ORIGINS: origins.default([]),
  LOG_LEVEL: oneOf(['error', 'warn', 'info', 'debug']).default('info'),
  LOG_FILE: z.string().optional(),
  ROUTER_INSTANCES: wholeNumber(1, 64).default(3),
  ROUTER_BASE_PORT: port.default(8051),
  GATEWAY_HOST: hostName.default('127.0.0.1'),
  GATEWAY_PORT: port.default(8080),
  MCP_AFFINITY: oneOf(['ip_hash', 'session', 'round_robin']).default('ip_hash'),
  MCP_RUN_DIR: z.string().default('.run'),
})

/** Environment is the parsed variables. */
export type Environment = z.output<typeof environmentSchema>
export type Variable = keyof Environment

/** secondNames are what earlier systems called a variable; the first name wins. */
export const secondNames: Readonly<Partial<Record<Variable, string>>> = {
  PORT: 'SERVER_PORT',
  INSTANCE_ID: 'MCP_SESSION_INSTANCE_ID',
}

/** The Instances of a cluster are called so, and numbered, unless INSTANCE_ID is set. */
export const defaultInstancePrefix = 'router-instance'

/** Names that a request may always be addressed to. */
export const loopbackNames: readonly string[] = ['localhost', '127.0.0.1', '[::1]']

const transport = oneOf(['http', 'sse', 'stdio', 'streamable-http', 'streamableHttp']).transform(
  (name) => (name === 'sse' || name === 'stdio' ? name : 'http'),
)

const flag = oneOf(['true', 'false']).transform((text) => text === 'true')
const texts = z.record(z.string(), z.string())

/** serverSchema is what a Backend has beside its Endpoints. */
export const serverSchema = z.strictObject({
  endpoints: z.array(z.unknown()).min(1, 'there is no endpoint').optional(),
  /** Seconds that a call may take. */
  deadline: decimal(0.001).default(60),
  disabled: flag.default(false),
  /** What its http endpoints speak: with sessions, without, or to be found out. */
  era: oneOf(['auto', 'legacy', 'modern']).default('auto'),
  /** Which calls may run twice when an instance or a server goes away in the middle of one. */
  retry: oneOf(['safe', 'always']).default('safe'),
})

const endpointShape = {
  transport: transport.optional(),
  type: transport.optional(),
  weight: decimal(0).default(1),
}

/** urlEndpointSchema is an Endpoint that is reached by URL. */
export const urlEndpointSchema = z.strictObject({
  ...endpointShape,
  url: z.string(),
  headers: texts.default({}),
  start: z.string().optional(),
})

/** commandEndpointSchema is an Endpoint that is run. */
export const commandEndpointSchema = z.strictObject({
  ...endpointShape,
  command: z.string().min(1, 'the command is empty'),
  args: z.array(z.string()).default([]),
  env: texts.default({}),
  cwd: z.string().optional(),
})
