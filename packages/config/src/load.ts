import type { InstanceId } from '@mcp-router/core'
import { randomUUID } from 'node:crypto'
import { hostname } from 'node:os'
import { resolve } from 'node:path'
import { ConfigError, type Problem } from './config-error.js'
import { deepFreeze } from './deep-freeze.js'
import { parseEnvironment, type Env, type Given } from './environment.js'
import type { ClusterConfig, GatewayConfig, ManagedBackend } from './gateway-config.js'
import { defaultInstancePrefix, loopbackNames, type Environment, type Variable } from './schema.js'
import { readProxySecret } from './proxy-secret.js'
import { readServers, type ServersFile } from './servers-file/read.js'

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
 * loadClusterConfig makes the configuration of the cluster on this machine. It throws ConfigError.
 */
export const loadClusterConfig = (env: Env): ClusterConfig =>
  clusterConfig(env, (path, strict) => readServers(path, env, { strict }))

/** loadClusterWithoutServers is the same with no servers: what is known while the servers file is broken. */
export const loadClusterWithoutServers = (env: Env): ClusterConfig =>
  clusterConfig(env, () => ({
    backends: [],
    managed: [],
    invalid: [],
    disabled: [],
    envFiles: [],
    unused: undefined,
    unenforced: undefined,
  }))

const clusterConfig = (
  env: Env,
  serversOf: (path: string, strict: boolean) => ServersFile,
): ClusterConfig => {
  const parsed = parseEnvironment(env)
  requireToken(parsed)
  const serversFile = resolve(parsed.MCP_SERVERS_FILE)
  const strict = parsed.MCP_STRICT
  const { managed, ...servers } = serversOf(serversFile, strict)
  requirePorts(parsed, managed)
  return deepFreeze<ClusterConfig>({
    instances: parsed.ROUTER_INSTANCES,
    basePort: parsed.ROUTER_BASE_PORT,
    // Hosts that share a Redis need names of their own: host-a-1, host-a-2, host-b-1 …
    instancePrefix: parsed.INSTANCE_ID ?? defaultInstancePrefix,
    instanceHost: parsed.HOST,
    gatewayHost: parsed.GATEWAY_HOST,
    gatewayPort: parsed.GATEWAY_PORT,
    clientConnections: parsed.GATEWAY_CLIENT_CONNECTIONS,
    affinity: parsed.MCP_AFFINITY,
    redisUrl: parsed.REDIS_URL,
    runDir: resolve(parsed.MCP_RUN_DIR),
    serversFile,
    strict,
    ...servers,
    managed,
    accessToken: parsed.ACCESS_TOKEN,
    allowedHosts: allowedHosts(parsed),
    allowedOrigins: parsed.ALLOWED_ORIGINS,
    trustedProxies: parsed.TRUSTED_PROXIES,
    proxySecret: parsed.PROXY_SECRET,
    maxBodyBytes: parsed.MCP_MAX_BODY_BYTES,
    drainMs: parsed.MCP_DRAIN_MS,
    redisMaxBytes: parsed.MCP_REDIS_MAX_BYTES,
    supervise: parsed.MCP_SUPERVISE === 'on',
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

/** isLoopback tells whether only this machine reaches who listens at `host`. */
export const isLoopback = (host: string): boolean =>
  host === 'localhost' || /^(::1|\[::1\])$/.test(host) || /^127(\.\d+){3}$/.test(host)

/** So many characters, and so many different ones, are too many to try. */
const leastLength = 16
const leastVariety = 8

const isWeak = (token: string): boolean =>
  token.length < leastLength || new Set(token).size < leastVariety

const requireToken = (parsed: Environment): void => {
  const open = (['HOST', 'GATEWAY_HOST'] as const).filter((name) => !isLoopback(parsed[name]))
  const weak = (['ACCESS_TOKEN', 'CLUSTER_SECRET'] as const).filter((name) => {
    const secret = parsed[name]
    return secret !== undefined && isWeak(secret)
  })
  const problems = open.flatMap((name): readonly Problem[] => {
    const reason = `${name}: ${parsed[name]} is reachable from other machines, and `
    const guessed = weak.map((secret) => ({
      reason: `${reason}${secret} can be guessed`,
      advice: `set ${secret} to ${leastLength} random characters or more: openssl rand -hex 32`,
    }))
    if (parsed.ACCESS_TOKEN !== undefined) return guessed
    const advice = 'set ACCESS_TOKEN to a secret of your own, or listen on 127.0.0.1'
    return [{ reason: `${reason}no token is set`, advice }, ...guessed]
  })
  if (problems.length > 0) throw new ConfigError(problems)
}

const requirePorts = (parsed: Environment, managed: readonly ManagedBackend[]): void => {
  const first = parsed.ROUTER_BASE_PORT
  const instances = Array.from({ length: parsed.ROUTER_INSTANCES }, (_, n) => ({
    port: first + n,
    what: `instance ${n + 1} (ROUTER_BASE_PORT ${first})`,
  }))
  const wanted = [
    ...instances,
    { port: parsed.GATEWAY_PORT, what: 'Nginx (GATEWAY_PORT)' },
    ...managed.map(({ backend, port }) => ({ port, what: `server "${backend}" (its url)` })),
  ]
  const problems = wanted.flatMap(({ port, what }, index): readonly Problem[] => {
    if (port > 65_535)
      return [{ reason: `${what}: there is no port ${port}`, advice: 'set a lower port' }]
    const other = wanted.slice(0, index).find((each) => each.port === port)
    if (other === undefined) return []
    const reason = `port ${port} is wanted by ${other.what} and by ${what}`
    return [{ reason, advice: 'set different ports' }]
  })
  if (problems.length > 0) throw new ConfigError(problems)
}

// An address that the operator chose to listen on is one that clients will name; the wildcard is
// nobody's name.
const allowedHosts = (parsed: Environment): readonly string[] => {
  const chosen = [parsed.HOST, parsed.GATEWAY_HOST]
    .filter((host) => host !== '0.0.0.0' && host !== '::')
    .map((host) => (host.includes(':') ? `[${host}]` : host.toLowerCase()))
  return [...new Set([...loopbackNames, ...parsed.ALLOWED_HOSTS, ...chosen])]
}
