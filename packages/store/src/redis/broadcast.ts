import { parseRedisUrl } from './address.js'
import { connect } from './connect.js'
import type { RedisClient } from './connect.js'

/** connectBroadcast opens a connection for publishing or subscribing; it waits for Redis and comes back by itself. */
export const connectBroadcast = (url: string): RedisClient => {
  const client = connect(parseRedisUrl(url))
  client.options.enableOfflineQueue = true
  return client
}
