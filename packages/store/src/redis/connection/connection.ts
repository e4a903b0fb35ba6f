import { Redis } from 'ioredis'
import type { StoreChange, StoreHealth } from '../../store.js'
import { parseRedisUrl } from '@mcp-router/core'
import { answerTimeoutMs, connect, type RedisClient } from './connect.js'
import { isReply, refusalOf, unavailable } from './unavailable.js'
import { watch } from './watch.js'
import { createWithin, NoAnswer } from './within.js'

/**
 * Attempt runs commands and resolves with their answer. It rejects with STORE_UNAVAILABLE: at once while Redis is away, after
 * `answerTimeoutMs` when no answer comes. Before Redis was ready for the first time it waits for it, no longer than that.
 */
export type Attempt = <T>(work: () => Promise<T>) => Promise<T>

/** Connection is a client and what is known of its state. It heals by itself until it is closed. */
export interface Connection {
  readonly client: RedisClient
  readonly attempt: Attempt
  readonly health: () => StoreHealth
  /** A write succeeded that a Redis which refuses some would refuse. */
  readonly noteWritten: () => void
  /** How often Redis was reached anew: what was written shortly before may be lost where another server took over. */
  readonly times: () => number
  readonly close: () => Promise<void>
}

export const openConnection = (
  url: string,
  onChange?: (change: StoreChange) => void,
): Connection => {
  const client = connect(parseRedisUrl(url))
  const watched = watch(client, onChange)

  /** A Cluster client replaces its nodes by itself. */
  const reconnect = (reason: string) => {
    if (!(client instanceof Redis) || watched.phase() !== 'up') return
    watched.lose(reason)
    client.disconnect(true)
  }

  const within = createWithin(answerTimeoutMs)

  const whenOpen = async <T>(work: () => Promise<T>): Promise<T> => {
    const expires = performance.now() + answerTimeoutMs
    await watched.opened
    // Whoever asked may have been told meanwhile that it failed; it must not happen after that.
    if (performance.now() >= expires) throw new NoAnswer(answerTimeoutMs)
    return run(work)
  }

  const run = <T>(work: () => Promise<T>): Promise<T> => {
    if (watched.phase() === 'opening') return whenOpen(work)
    const state = watched.health()
    return state.up ? work() : Promise.reject(new Error(state.reason))
  }

  /** Why Redis refused the last write. */
  let refusesWrites: string | undefined

  const attempt: Attempt = async (work) => {
    try {
      return await within(run(work))
    } catch (thrown) {
      // A peer that vanished without a word is noticed by nothing but its silence.
      if (thrown instanceof NoAnswer) reconnect(thrown.message)
      // After a failover the old master answers so for ever; a new connection finds the new one.
      if (isReply(thrown, 'READONLY')) reconnect('connected to a replica')
      refusesWrites = refusalOf(thrown) ?? refusesWrites
      throw unavailable(thrown)
    }
  }

  return {
    client,
    attempt,
    health() {
      const health = watched.health()
      return health.up && refusesWrites !== undefined ? { up: true, refusesWrites } : health
    },
    noteWritten() {
      refusesWrites = undefined
    },
    times: watched.times,
    async close() {
      const phase = watched.phase()
      watched.close()
      try {
        // Lets the answers under way arrive first.
        if (phase === 'up') await within(client.quit())
      } catch {
        // Redis went away in this moment, so that nothing is left to say goodbye to.
      } finally {
        client.disconnect()
      }
    },
  }
}
