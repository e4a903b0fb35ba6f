import type { Backend, BackendName, InstanceId, RunAs } from '@mcp-router/core'

/** LogLevel of winston, least to most. */
export type LogLevel = 'error' | 'warn' | 'info' | 'debug'

/** InvalidBackend is a server that is not served because of mistakes in its entry: sentences with file, line and column. */
export interface InvalidBackend {
  readonly name: string
  readonly problems: readonly string[]
}

/**
 * GatewayConfig is everything one Gateway process needs to know, frozen. Durations are ms, sizes
 * bytes.
 */
export interface GatewayConfig {
  readonly instance: InstanceId
  /** Where this Instance listens. `host` is a loopback address unless the operator set HOST. */
  readonly host: string
  /** Where other Instances reach this one; undefined: at `host`. */
  readonly advertisedHost: string | undefined
  readonly port: number
  /** Undefined: the in-memory store, a cluster of one. */
  readonly redisUrl: string | undefined
  readonly clusterSecret: string | undefined
  readonly serversFile: string
  /** One server with a problem, and nothing is read. */
  readonly strict: boolean
  readonly backends: readonly Backend[]
  readonly invalid: readonly InvalidBackend[]
  /** Servers that the file says are off. */
  readonly disabled: readonly string[]
  /** Absolute paths of the env files that the servers file names. */
  readonly envFiles: readonly string[]
  /** What is in the servers file and not used, as one sentence; undefined: nothing. */
  readonly unused: string | undefined
  /** What of the servers file restricts tools in another program, and not here, as one sentence. */
  readonly unenforced: string | undefined
  readonly sessionTtlMs: number
  readonly leaseMs: number
  readonly leaseRenewMs: number
  readonly touchMs: number
  readonly keepAliveMs: number
  readonly drainMs: number
  /** A stdio child that nobody uses is ended after this, counted from its last use. */
  readonly idleUpstreamMs: number
  /** How long a server may take to answer `initialize`. */
  readonly openTimeoutMs: number
  /** Sessions of one principal at one server, at this instance. */
  readonly maxSessions: number
  /** The same at a server that is a command. */
  readonly maxStdioSessions: number
  /** Processes of one server for calls of 2026-07-28 that may ask their client. */
  readonly maxProcesses: number
  /** What a client may say of itself when it opens a session. */
  readonly maxHandshakeBytes: number
  /** A call that asked its client (2026-07-28, MRTR) is given up when the answers do not come within this. */
  readonly inputTtlMs: number
  /** How long calls wait for an endpoint that has just gone to come back. */
  readonly endpointPatienceMs: number
  readonly maxBodyBytes: number
  /** The most that one response, event or line of a server may have. */
  readonly maxResponseBytes: number
  /** How long the body of a response may stop after its first byte. */
  readonly responseIdleMs: number
  /** How long opening a connection to a server may take. */
  readonly connectTimeoutMs: number
  /** How long what goes on without the store waits for one that restarts; the rest waits twice as long. */
  readonly storePatienceMs: number
  /** How long a client's own stream waits for a server that is being started. */
  readonly streamPatienceMs: number
  /** What is kept for clients that resume. */
  readonly maxReplayBytes: number
  /** How long the tools of a server are taken for what they were. */
  readonly toolsTtlMs: number
  /** Sessions of the router's own at one server. */
  readonly maxLanes: number
  /** How long a call of one waits for its client before it makes room for others. */
  readonly parkedMs: number
  /** How long the head of a request may take, and the whole of it. */
  readonly requestHeadMs: number
  readonly requestMs: number
  /** How long a connection is kept between requests. */
  readonly idleConnectionMs: number
  readonly accessToken: string | undefined
  /** Host names (no port) that a request may be addressed to. */
  readonly allowedHosts: readonly string[]
  /** Origins (`https://app.example`) of pages that may call, beside the router's own. */
  readonly allowedOrigins: readonly string[]
  /** Proxies whose forwarding headers and X-Request-Id are believed: `loopback`, addresses, subnets. */
  readonly trustedProxies: readonly string[]
  /** What the cluster's own Nginx shows to be believed likewise; undefined: no such Nginx. */
  readonly proxySecret: string | undefined
  readonly logLevel: LogLevel
  /** Stdio children are recorded there, to be ended after a SIGKILL; undefined: nowhere. */
  readonly childrenDir: string | undefined
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
  /** Added to the minimal environment that it gets. */
  readonly env: Readonly<Record<string, string>>
  /** Absolute path: where the servers file is. */
  readonly cwd: string
  /** Undefined: the user of the cluster. */
  readonly runAs?: RunAs
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
  /** Requests, streams too, that one client address may have open at Nginx. */
  readonly clientConnections: number
  readonly affinity: 'ip_hash' | 'session' | 'round_robin'
  /** Undefined: a private redis-server in the run directory. */
  readonly redisUrl: string | undefined
  /** Absolute path: pids/, logs/, nginx/, redis/, sockets. */
  readonly runDir: string
  /** Absolute path. */
  readonly serversFile: string
  readonly strict: boolean
  readonly backends: readonly Backend[]
  readonly invalid: readonly InvalidBackend[]
  /** Servers that the file says are off. */
  readonly disabled: readonly string[]
  readonly unused: string | undefined
  readonly unenforced: string | undefined
  readonly managed: readonly ManagedBackend[]
  readonly accessToken: string | undefined
  readonly allowedHosts: readonly string[]
  readonly allowedOrigins: readonly string[]
  readonly trustedProxies: readonly string[]
  /** Undefined: the one in the run directory. */
  readonly proxySecret: string | undefined
  readonly maxBodyBytes: number
  readonly drainMs: number
  /** How much the private Redis may hold; 0: no limit. */
  readonly redisMaxBytes: number
  /** What dies is restarted. */
  readonly supervise: boolean
}
