import type { ClusterConfig } from '@mcp-router/config'
import { databaseAdvice } from '@mcp-router/store'
import { Failure } from '../failure.js'
import { askRedis, isSingleRedis, withoutCredentials } from '../redis.js'

/**
 * requireUsableRedis throws where the Redis of REDIS_URL answers and refuses this cluster: its Instances would only find that out after others
 * were stopped for them. One that does not answer may come yet.
 */
export const requireUsableRedis = async ({
  redisUrl,
}: Pick<ClusterConfig, 'redisUrl'>): Promise<void> => {
  if (redisUrl === undefined || !isSingleRedis(redisUrl)) return
  const answer = await askRedis(redisUrl, ['PING'])
  if (!('failed' in answer)) return
  const { failed } = answer
  const advice = databaseAdvice(failed) ?? (login.test(failed) ? 'correct its login' : undefined)
  if (advice === undefined) return
  throw new Failure(`REDIS_URL ${withoutCredentials(redisUrl)}: ${failed}; ${advice}`)
}

const login = /^(WRONGPASS|NOAUTH)\b/
