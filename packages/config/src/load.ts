import type { InstanceId } from '@mcp-router/core'
import { randomUUID } from 'node:crypto'
import { hostname } from 'node:os'
import { resolve } from 'node:path'
import { deepFreeze } from './deep-freeze.js'
import { parseEnvironment, type Env, type Given } from './environment.js'
import type { GatewayConfig } from './gateway-config.js'
import { readProxySecret } from './proxy-secret.js'
import { allowedHosts, requireToken } from './reachable.js'
import type { Variable } from './schema.js'
import { readServers } from './servers-file/read.js'

/**
 * GatewayOverrides are what a caller knows better than the environment: the options of `mcp-router
 * serve`.
 */
export interface GatewayOverrides {
  readonly servers?: string
  readonly port?: string | number
  readonly host?: string
  readonly instance?: string
  readonly logFile?: string
  /** One server with a problem, and nothing starts. */
  readonly strict?: boolean
  /** The in-memory store, whatever REDIS_URL says. */
  readonly memory?: boolean
}

/**
 * loadGatewayConfig makes the configuration of one Gateway process. It throws ConfigError, whose
 * message is fit to print.
 */
export const loadGatewayConfig = (env: Env, overrides: GatewayOverrides = {}): GatewayConfig => {
  const parsed = parseEnvironment(env, givenBy(overrides))
  requireToken(parsed)
  const serversFile = resolve(parsed.MCP_SERVERS_FILE)
  const servers = readServers(serversFile, env, { strict: parsed.MCP_STRICT })
  return deepFreeze<GatewayConfig>({
    // Unnamed, an instance is still one of a kind in the cluster.
    instance: (parsed.INSTANCE_ID ?? `${hostname()}-${randomUUID()}`) as InstanceId,
    host: parsed.HOST,
    advertisedHost: parsed.ADVERTISED_HOST,
    port: parsed.PORT,
    redisUrl: overrides.memory === true ? undefined : parsed.REDIS_URL,
    clusterSecret: parsed.CLUSTER_SECRET,
    serversFile,
    strict: parsed.MCP_STRICT,
    backends: servers.backends,
    invalid: servers.invalid,
    disabled: servers.disabled,
    envFiles: servers.envFiles,
    unused: servers.unused,
    unenforced: servers.unenforced,
    sessionTtlMs: parsed.MCP_SESSION_TTL_MS,
    leaseMs: parsed.MCP_LEASE_MS,
    leaseRenewMs: Math.floor(parsed.MCP_LEASE_MS / 3),
    touchMs: parsed.MCP_TOUCH_MS,
    keepAliveMs: parsed.MCP_KEEPALIVE_MS,
    drainMs: parsed.MCP_DRAIN_MS,
    idleUpstreamMs: parsed.MCP_IDLE_UPSTREAM_MS,
    openTimeoutMs: parsed.MCP_OPEN_TIMEOUT_MS,
    maxSessions: parsed.MCP_MAX_SESSIONS,
    maxStdioSessions: parsed.MCP_MAX_STDIO_SESSIONS,
    maxProcesses: parsed.MCP_MAX_PROCESSES,
    maxHandshakeBytes: parsed.MCP_MAX_HANDSHAKE_BYTES,
    inputTtlMs: parsed.MCP_INPUT_TTL_MS,
    endpointPatienceMs: parsed.MCP_ENDPOINT_PATIENCE_MS,
    maxBodyBytes: parsed.MCP_MAX_BODY_BYTES,
    maxResponseBytes: parsed.MCP_MAX_RESPONSE_BYTES,
    responseIdleMs: parsed.MCP_RESPONSE_IDLE_MS,
    connectTimeoutMs: parsed.MCP_CONNECT_TIMEOUT_MS,
    storePatienceMs: parsed.MCP_STORE_PATIENCE_MS,
    streamPatienceMs: parsed.MCP_STREAM_PATIENCE_MS,
    maxReplayBytes: parsed.MCP_MAX_REPLAY_BYTES,
    toolsTtlMs: parsed.MCP_TOOLS_TTL_MS,
    maxLanes: parsed.MCP_MAX_LANES,
    parkedMs: parsed.MCP_PARKED_MS,
    requestHeadMs: parsed.MCP_REQUEST_HEAD_MS,
    requestMs: parsed.MCP_REQUEST_MS,
    idleConnectionMs: parsed.MCP_IDLE_CONNECTION_MS,
    accessToken: parsed.ACCESS_TOKEN,
    allowedHosts: allowedHosts(parsed),
    allowedOrigins: parsed.ALLOWED_ORIGINS,
    trustedProxies: parsed.TRUSTED_PROXIES,
    proxySecret: parsed.PROXY_SECRET ?? readProxySecret(resolve(parsed.MCP_RUN_DIR)),
    // Only a run directory that somebody chose: in the foreground, the platform ends a whole unit.
    childrenDir: env['MCP_RUN_DIR'] ? resolve(parsed.MCP_RUN_DIR, 'children') : undefined,
    logLevel: parsed.LOG_LEVEL,
    logFile: parsed.LOG_FILE === undefined ? undefined : resolve(parsed.LOG_FILE),
  })
}

/**
 * RunDir is all that is needed to find and end what runs, even when the rest of the configuration
 * is broken.
 */
export interface RunDir {
  readonly runDir: string
  readonly drainMs: number
}

/** loadRunDir reads only the variables that it needs. */
export const loadRunDir = ({ MCP_RUN_DIR, MCP_DRAIN_MS }: Env): RunDir => {
  const parsed = parseEnvironment({ MCP_RUN_DIR, MCP_DRAIN_MS })
  return { runDir: resolve(parsed.MCP_RUN_DIR), drainMs: parsed.MCP_DRAIN_MS }
}

/** StoreConfig is all that is needed to look into the store from outside. */
export interface StoreConfig {
  readonly runDir: string
  /** Undefined: the private Redis of the run directory. */
  readonly redisUrl: string | undefined
  /** Unset: the one in Redis. */
  readonly clusterSecret?: string
  readonly sessionTtlMs: number
  readonly leaseMs: number
}

/** loadStoreConfig leaves out the servers file. */
export const loadStoreConfig = (env: Env): StoreConfig => {
  const parsed = parseEnvironment(env)
  return {
    runDir: resolve(parsed.MCP_RUN_DIR),
    redisUrl: parsed.REDIS_URL,
    ...(parsed.CLUSTER_SECRET !== undefined && { clusterSecret: parsed.CLUSTER_SECRET }),
    sessionTtlMs: parsed.MCP_SESSION_TTL_MS,
    leaseMs: parsed.MCP_LEASE_MS,
  }
}

const givenBy = (overrides: GatewayOverrides): Partial<Record<Variable, Given>> => {
  const options: readonly (readonly [Variable, string, string | number | undefined])[] = [
    ['MCP_SERVERS_FILE', '--servers', overrides.servers],
    ['PORT', '--port', overrides.port],
    ['HOST', '--host', overrides.host],
    ['INSTANCE_ID', '--instance', overrides.instance],
    ['LOG_FILE', '--log-file', overrides.logFile],
    ['MCP_STRICT', '--strict', overrides.strict === true ? 'true' : undefined],
  ]
  return Object.fromEntries(
    options.flatMap(([variable, option, value]) =>
      value === undefined ? [] : [[variable, { option, value: String(value) }]],
    ),
  )
}
