import { z } from 'zod'
import {
  dayMs,
  flag,
  hostName,
  hostNames,
  instanceId,
  milliseconds,
  oneOf,
  origins,
  port,
  proxies,
  redisUrl,
  token,
  wholeNumber,
} from './schema-values.js'

// Every option of the router with its default; those of a server are in servers-file/entry-schema.ts.

/**
 * environmentSchema is every variable that the router reads. A second name of a variable is in
 * `secondNames`.
 */
export const environmentSchema = z.object({
  INSTANCE_ID: instanceId.optional(),
  HOST: hostName.default('127.0.0.1'),
  /** Where other instances reach this one, if not at HOST. */
  ADVERTISED_HOST: hostName.optional(),
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
  /** How long opening a connection to a server may take. */
  MCP_CONNECT_TIMEOUT_MS: milliseconds.default(3_000),
  /** How long what goes on without the store waits for one that restarts; what fails without it waits twice as long. */
  MCP_STORE_PATIENCE_MS: wholeNumber(0, dayMs).default(5_000),
  /** How long a client's own stream waits for a server that is being started. */
  MCP_STREAM_PATIENCE_MS: wholeNumber(0, dayMs).default(30_000),
  /** What is kept for clients that resume, at each instance. */
  MCP_MAX_REPLAY_BYTES: wholeNumber(1_048_576, 2 ** 40).default(268_435_456),
  /** How long the tools of a server are taken for what they were; its notification ends that at once. */
  MCP_TOOLS_TTL_MS: milliseconds.default(60_000),
  /** Sessions of the router's own at one server, for calls that may ask their client, at each instance. */
  MCP_MAX_LANES: wholeNumber(1, 100_000).default(256),
  /** How long such a call waits for its client before it makes room for others. */
  MCP_PARKED_MS: milliseconds.default(10_000),
  /** How long the head of a request may take. */
  MCP_REQUEST_HEAD_MS: milliseconds.default(10_000),
  /** The same for a request with its body. */
  MCP_REQUEST_MS: milliseconds.default(60_000),
  /** How long a connection is kept between requests; longer than the 30 s of the generated Nginx configuration. */
  MCP_IDLE_CONNECTION_MS: wholeNumber(35_000, dayMs).default(75_000),
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

/** What is left after the drain is closed within this, ms, or with the process: a store that is away must not hold it. */
const closeMs = 6_000

/** stopLimitMs is how long an Instance may take to end after SIGTERM; who supervises one kills it no earlier. */
export const stopLimitMs = (drainMs: number): number => drainMs + closeMs

/** Names that a request may always be addressed to. */
export const loopbackNames: readonly string[] = ['localhost', '127.0.0.1', '[::1]']
