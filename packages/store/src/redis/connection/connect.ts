import { Cluster, Redis, type ClusterOptions, type RedisOptions } from 'ioredis'
import type { Login, RedisAddress } from '@mcp-router/core'
import { inOwnDatabase } from './own-database.js'

/** RedisClient takes the same commands in all four forms of Redis. */
export type RedisClient = Redis | Cluster

/** answerTimeoutMs bounds every wait for Redis, whatever the client is doing meanwhile. */
export const answerTimeoutMs = 2_000

/** A client that cannot connect tries again within this, ms. */
export const longestPauseMs = 500

const backoff = (attempt: number) => Math.min(50 * 2 ** (attempt - 1), longestPauseMs)

/** Common to every connection. A request is never kept for later: it might run long after its sender was told that it failed. */
const common = {
  connectionName: 'mcp-router',
  connectTimeout: answerTimeoutMs,
  // For the handshake with a Redis that accepts connections and answers nothing; our own requests end sooner.
  commandTimeout: answerTimeoutMs + 500,
  disconnectTimeout: 200,
  keepAlive: 10_000,
  maxLoadingRetryTime: 1_000,
  maxRetriesPerRequest: 0,
  autoResendUnfulfilledCommands: false,
} satisfies RedisOptions

const direct = {
  ...common,
  retryStrategy: backoff,
  enableOfflineQueue: false,
  enableAutoPipelining: true,
} satisfies RedisOptions

const presented = ({ tls, ...login }: Login): RedisOptions => ({
  ...login,
  ...(tls && { tls: {} }),
})

const clusterOptions = (login: Login): ClusterOptions => ({
  // No automatic pipelining: a pipeline that meets a slot on the move fails in part instead of being redirected.
  enableAutoPipelining: false,
  enableOfflineQueue: false,
  clusterRetryStrategy: backoff,
  slotsRefreshInterval: 5_000,
  // socketTimeout replaces a node that has fallen silent. Not in `common`: on a client that reconnects, its timer outlives the
  // connection it was set for and cuts the next one.
  redisOptions: { ...common, socketTimeout: answerTimeoutMs + 1_000, ...presented(login) },
  // A certificate is for the name, not for the address that it resolves to.
  ...(login.tls && { dnsLookup: (name, callback) => callback(null, name) }),
})

/** connect returns at once; the client connects, and connects again, by itself. */
export const connect = (address: RedisAddress): RedisClient => {
  switch (address.kind) {
    case 'single':
      return inOwnDatabase(
        new Redis({
          ...direct,
          ...address.host,
          ...presented(address.login),
          db: address.db,
        }),
      )
    case 'socket':
      return inOwnDatabase(new Redis({ ...direct, path: address.path, db: address.db }))
    case 'sentinel':
      return inOwnDatabase(
        new Redis({
          ...direct,
          ...presented(address.login),
          sentinels: [...address.sentinels],
          ...(address.sentinelPassword && { sentinelPassword: address.sentinelPassword }),
          ...(address.login.tls && { enableTLSForSentinelMode: true, sentinelTLS: {} }),
          sentinelCommandTimeout: answerTimeoutMs,
          sentinelRetryStrategy: backoff,
          name: address.master,
          db: address.db,
        }),
      )
    case 'cluster':
      return new Cluster([...address.nodes], clusterOptions(address.login))
  }
}

/** mastersOf is every server that holds keys of its own. */
export const mastersOf = (client: RedisClient): readonly Redis[] =>
  client instanceof Cluster ? client.nodes('master') : [client]
