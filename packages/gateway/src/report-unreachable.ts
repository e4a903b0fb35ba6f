import { reasonOf, RouterError } from '@mcp-router/core'
import { databaseAdvice, type Store } from '@mcp-router/store'

/**
 * tellUnreachable rethrows what failed for want of the store as an Error that tells the operator
 * where it was looked for and why it was not there: a client is told neither.
 */
export const reportUnreachable =
  (redisUrl: string | undefined, store: Pick<Store, 'health'>) =>
  (error: unknown): never => {
    const isAway = error instanceof RouterError && error.code === 'STORE_UNAVAILABLE'
    if (redisUrl === undefined || !isAway) throw error
    const health = store.health()
    const reason = health.up ? String(error.data['reason'] ?? reasonOf(error)) : health.reason
    const advice = adviceOn(reason, health.up)
    throw new Error(`REDIS_URL ${withoutSecrets(redisUrl)}: ${plain(reason)}; ${advice}`, {
      cause: error,
    })
  }

/** A Redis that says what is wrong runs. */
const adviceOn = (reason: string, isUp: boolean): string => {
  const ofDatabase = databaseAdvice(reason)
  if (ofDatabase !== undefined) return ofDatabase
  return isUp ? 'correct that Redis or REDIS_URL' : 'start Redis or correct REDIS_URL'
}

/** User, password and parameters are left out. */
const withoutSecrets = (url: string): string =>
  url.replace(/\?.*$/s, '').replace(/\/\/[^/]*@/, '//')

const plain = (reason: string): string => {
  if (reason.includes('ECONNREFUSED')) return 'connection refused'
  if (/ENOTFOUND|EAI_AGAIN/.test(reason)) return 'no such host'
  if (reason.includes('ENOENT')) return 'no such socket'
  return reason === 'connecting' ? 'no answer' : reason
}
