import { resolve } from 'node:path'
import { ConfigError, type Problem } from './config-error.js'
import { deepFreeze } from './deep-freeze.js'
import { parseEnvironment, type Env } from './environment.js'
import type { ClusterConfig, ManagedBackend } from './gateway-config.js'
import { allowedHosts, requireToken } from './reachable.js'
import { defaultInstancePrefix, type Environment } from './schema.js'
import { readServers, type ServersFile } from './servers-file/read.js'

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
