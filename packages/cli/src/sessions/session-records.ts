import { loadStoreConfig, type Env } from '@mcp-router/config'
import {
  asSessionId,
  createSessionHash,
  isSessionHash,
  reasonOf,
  RouterError,
  type SessionId,
} from '@mcp-router/core'
import { databaseAdvice, redisStore, type Store } from '@mcp-router/store'
import { existsSync } from 'node:fs'
import { privateRedisUrl, redisSocket, requireRedisSocket } from '../cluster/redis.js'
import { requireFolder } from '../cluster/run/run-files.js'
import { Failure } from '../failure.js'
import { withoutCredentials } from '../redis.js'
import { clusterCommand } from '../command-name.js'

const ofServe = 'the sessions of a serve without REDIS_URL are in its memory, and in no list'

/** withStore opens the store that the Instances share, for as long as `work` takes. */
export const withStore = async <T>(env: Env, work: (store: Store) => Promise<T>): Promise<T> => {
  const { runDir, redisUrl, ...lifetimes } = loadStoreConfig(env)
  const start = `start the cluster (${clusterCommand} start), or set REDIS_URL`
  if (redisUrl === undefined) {
    requireFolder(env)
    if (!existsSync(redisSocket(runDir)))
      throw new Failure(`no Redis runs in ${runDir}: ${start}; ${ofServe}`)
    requireRedisSocket(runDir)
  }
  const store = redisStore(redisUrl ?? privateRedisUrl(runDir), lifetimes)
  try {
    return await work(store)
  } catch (error) {
    if (!(error instanceof RouterError) || error.code !== 'STORE_UNAVAILABLE')
      throw new Failure(reasonOf(error))
    const where = redisUrl === undefined ? redisSocket(runDir) : withoutCredentials(redisUrl)
    const health = store.health()
    const reason = health.up ? String(error.data['reason'] ?? 'no answer') : health.reason
    const outside = databaseAdvice(reason) ?? 'start it, or correct REDIS_URL, its database too'
    const toDo = redisUrl === undefined ? start : outside
    throw new Failure(`${where} cannot be used (${reason}): ${toDo}`)
  } finally {
    await store.close()
  }
}

/** sessionHashOf resolves with what makes the names of Sessions in the logs of this cluster. */
export const sessionHashOf = async (store: Store): Promise<(id: string) => string> =>
  createSessionHash(await store.clusterSecret())

/** sessionIdOf resolves with the id that `text` is, or that it is the name of in logs; also of a Session that ended, while its life is kept. */
export const sessionIdOf = async (store: Store, text: string): Promise<SessionId | undefined> => {
  if (!isSessionHash(text)) return asSessionId(text)
  const hash = await sessionHashOf(store)
  for await (const { id } of store.sessions.list()) if (hash(id) === text) return id
  for await (const id of store.lives.list()) if (hash(id) === text) return id
  return undefined
}
