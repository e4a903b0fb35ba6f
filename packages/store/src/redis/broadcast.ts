import { setTimeout as wait } from 'node:timers/promises'
import { asError, parseRedisUrl } from '@mcp-router/core'
import { connect, longestPauseMs } from './connection/connect.js'
import type { RedisClient } from './connection/connect.js'

/**
 * connectBroadcast opens a connection for publishing or subscribing; it waits for Redis and comes back by itself. None of the promises of `publish`,
 * `subscribe` and `psubscribe` rejects: who uses it (@socket.io/redis-adapter) looks at none of them, and a rejection that nobody handles ends the
 * process. What could not be published is lost; what could not be subscribed to is tried again until it can. `onError` is told.
 */
export const connectBroadcast = (url: string, onError: (error: Error) => void): RedisClient => {
  const client = connect(parseRedisUrl(url))
  client.options.enableOfflineQueue = true
  client.on('error', onError)
  let isOver = false
  client.once('end', () => (isOver = true))
  const report = (error: unknown): void => onError(asError(error))

  const publish = client.publish.bind(client)
  client.publish = (channel: string | Buffer, message: string | Buffer): Promise<number> =>
    publish(channel, message).catch((error: unknown) => {
      report(error)
      return 0
    })
  for (const name of ['subscribe', 'psubscribe'] as const) {
    const subscribe = client[name].bind(client) as (...channels: unknown[]) => Promise<unknown>
    const persistently = async (...channels: unknown[]): Promise<unknown> => {
      while (!isOver) {
        try {
          return await subscribe(...channels)
        } catch (error) {
          report(error)
          await wait(longestPauseMs, undefined, { ref: false })
        }
      }
      return undefined
    }
    Object.assign(client, { [name]: persistently })
  }
  return client
}
