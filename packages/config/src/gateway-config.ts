import type { Backend, BackendName, InstanceId } from '@mcp-router/core'

/** LogLevel of winston, least to most. */
export type LogLevel = 'error' | 'warn' | 'info' | 'debug'

/**
 * GatewayConfig is everything one Gateway process needs to know, frozen. Durations are ms, sizes
 * bytes.
 */
export interface GatewayConfig {
  readonly instance: InstanceId
  /** Where this Instance listens. `host` is a loopback address unless the operator set HOST. */
  readonly host: string
  readonly port: number
  /** Undefined: the in-memory store, a cluster of one. */
  readonly redisUrl: string | undefined
  readonly clusterSecret: string | undefined
  readonly serversFile: string
  readonly backends: readonly Backend[]
  readonly sessionTtlMs: number
  readonly leaseMs: number
  readonly leaseRenewMs: number
  readonly touchMs: number
  readonly keepAliveMs: number
  readonly drainMs: number
  /** A shared stdio child that nobody calls is ended after this. */
  readonly idleUpstreamMs: number
  /** A call that asked its client (2026-07-28, MRTR) is given up when the answers do not come within this. */
  readonly inputTtlMs: number
  /** How long calls wait for an endpoint that has just gone to come back. */
  readonly endpointPatienceMs: number
  readonly maxBodyBytes: number
  readonly accessToken: string | undefined
  /** Host names (no port) that a request may be addressed to. */
  readonly allowedHosts: readonly string[]
  /**
   * Further origins (`https://app.example`) that browsers may call from; loopback and allowedHosts
   * are always allowed.
   */
  readonly allowedOrigins: readonly string[]
  readonly logLevel: LogLevel
  /** Where log lines go as JSON; undefined: standard output only. */
  readonly logFile: string | undefined
}

/**
 * ManagedBackend is an Endpoint on this machine that `mcp-router cluster` starts itself, from its
 * `start` command line.
 */
export interface ManagedBackend {
  readonly backend: BackendName
  readonly url: string
  readonly port: number
  readonly command: string
  readonly args: readonly string[]
  /** Absolute path: where the servers file is. */
  readonly cwd: string
}

/** ClusterConfig is what `mcp-router cluster` starts on this machine. */
export interface ClusterConfig {
  readonly instances: number
  /** The first instance's port; the others follow. */
  readonly basePort: number
  /** The Instances' ids are `<instancePrefix>-1`, `<instancePrefix>-2` … */
  readonly instancePrefix: string
  /** Where the Instances listen, as for GatewayConfig. */
  readonly instanceHost: string
  /** Where Nginx listens. */
  readonly gatewayHost: string
  readonly gatewayPort: number
  readonly affinity: 'ip_hash' | 'session' | 'round_robin'
  /** Undefined: a private redis-server in the run directory. */
  readonly redisUrl: string | undefined
  /** Absolute path: pids/, logs/, nginx/, redis/, sockets. */
  readonly runDir: string
  /** Absolute path. */
  readonly serversFile: string
  readonly backends: readonly Backend[]
  readonly managed: readonly ManagedBackend[]
  readonly accessToken: string | undefined
  readonly allowedHosts: readonly string[]
  readonly maxBodyBytes: number
  readonly drainMs: number
}
