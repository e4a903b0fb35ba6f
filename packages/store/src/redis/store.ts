import { renewingLives } from '../session-lives.js'
import type { Store, StoreOptions } from '../store.js'
import { openConnection } from './connection/connection.js'
import { clusterSecret } from './cluster-secret.js'
import { redisEras } from './eras.js'
import { generationOf } from './generation.js'
import { redisCallLog } from './call-log.js'
import { redisLives } from './lives.js'
import { redisMembership } from './membership.js'
import { redisOrphans } from './orphans.js'
import { loadScripts } from './scripts.js'
import { redisSessions } from './sessions.js'

/**
 * redisStore is a Store that all Instances share. `url` is any that `parseRedisUrl` knows; it throws at another. It returns at
 * once: whether Redis is there, `health` tells.
 */
export const redisStore = (url: string, options: StoreOptions): Store => {
  const connection = openConnection(url, options.onChange)
  const scripts = loadScripts(connection.client)
  const lives = redisLives(connection, options.sessionTtlMs)
  const { clusterSecret: configured } = options
  let shared: string | undefined
  return {
    kind: 'redis',
    sessions: renewingLives(redisSessions(connection, scripts, options.sessionTtlMs), lives),
    lives,
    membership: redisMembership(connection, scripts, options.leaseMs),
    eras: redisEras(connection),
    callLog: redisCallLog(connection, scripts),
    orphans: redisOrphans(connection),
    async clusterSecret() {
      if (configured !== undefined) return configured
      shared = await clusterSecret(connection)
      return shared
    },
    generation: () => generationOf(connection, shared),
    health: connection.health,
    close: connection.close,
  }
}
