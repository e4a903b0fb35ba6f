import { randomBytes } from 'node:crypto'
import type { Instance, InstanceId, Session, SessionId } from '@mcp-router/core'
import { renewingLives } from '../session-lives.js'
import type { Store, StoreHealth, StoreOptions } from '../store.js'
import { createAttempt } from './attempt.js'
import { memoryEras } from './eras.js'
import { createExpiringMap } from './expiring-map.js'
import { memoryCallLog } from './call-log.js'
import { memoryLives } from './lives.js'
import { memoryMembership } from './membership.js'
import { memoryOrphans } from './orphans.js'
import { memorySessions } from './sessions.js'

const sweepMs = 30_000

/** memoryStore is a Store for one process, `mcp-router serve`: what it holds ends with the process. */
export const memoryStore = (options: StoreOptions): Store => {
  const sessions = createExpiringMap<SessionId, Session>(options.sessionTtlMs)
  const ended = createExpiringMap<SessionId, true>(options.sessionTtlMs)
  const leases = createExpiringMap<InstanceId, Instance>(options.leaseMs)
  const secret = options.clusterSecret ?? randomBytes(32).toString('hex')
  let health: StoreHealth = { up: true }
  const attempt = createAttempt(() => health)
  const lives = memoryLives(attempt, options.sessionTtlMs)

  const sweeper = setInterval(() => {
    sessions.sweep()
    ended.sweep()
    leases.sweep()
  }, sweepMs).unref()

  return {
    kind: 'memory',
    sessions: renewingLives(memorySessions(sessions, ended, attempt), lives),
    lives,
    membership: memoryMembership(leases, attempt),
    eras: memoryEras(attempt),
    callLog: memoryCallLog(attempt, (id) => sessions.get(id)?.epoch),
    orphans: memoryOrphans(attempt),
    clusterSecret: () => Promise.resolve(secret),
    generation: () => attempt(() => 'memory'),
    health: () => health,
    close() {
      clearInterval(sweeper)
      if (health.up) health = { up: false, since: Date.now(), reason: 'closed' }
      return Promise.resolve()
    },
  }
}
