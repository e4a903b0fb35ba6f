import type { ClusterConfig } from '@mcp-router/config'
import { databaseAdvice } from '@mcp-router/store'
import { setTimeout as wait } from 'node:timers/promises'
import { Failure } from '../../failure.js'
import {
  askRedis,
  isSingleRedis,
  sayWaiting,
  unreachable,
  withoutCredentials,
} from '../../redis.js'

type RedisOf = Pick<ClusterConfig, 'redisUrl'>

/**
 * requireUsableRedis throws where the Redis of REDIS_URL cannot be reached or refuses this cluster: its Instances would only find that out after
 * others were stopped for them. One that is loading its data is waited for by them.
 */
export const requireUsableRedis = async ({ redisUrl }: RedisOf): Promise<void> => {
  const problem = await problemOf(redisUrl)
  if (problem === undefined) return
  throw new Failure(`${problem.what}; nothing was changed: ${problem.advice}`)
}

/** Instances wait as long for it. */
const patienceMs = 15_000
const pollMs = 250

/** untilUsableRedis is for a start, before it starts anything: a Redis that cannot be reached may be starting, too. */
export const untilUsableRedis = async (
  { redisUrl }: RedisOf,
  signal: AbortSignal,
  waitMs = patienceMs,
): Promise<void> => {
  const end = Date.now() + waitMs
  for (let asked = 0; ; asked += 1) {
    signal.throwIfAborted()
    const problem = await problemOf(redisUrl)
    if (problem === undefined) return
    if (problem.mayCome && asked === 0) sayWaiting(redisUrl ?? '', problem.reason)
    if (!problem.mayCome || Date.now() >= end)
      throw new Failure(`${problem.what}; ${problem.advice}`)
    await wait(pollMs, undefined, { signal })
  }
}

interface Problem {
  readonly what: string
  readonly reason: string
  readonly advice: string
  readonly mayCome: boolean
}

const problemOf = async (redisUrl: string | undefined): Promise<Problem | undefined> => {
  if (redisUrl === undefined || !isSingleRedis(redisUrl)) return undefined
  const answer = await askRedis(redisUrl, ['PING'])
  if (!('failed' in answer)) return undefined
  const mayCome = unreachable(answer.failed) !== undefined
  const reason = unreachable(answer.failed) ?? answer.failed
  const advice = mayCome ? 'start it, or correct REDIS_URL' : adviceOf(reason)
  const what = `REDIS_URL ${withoutCredentials(redisUrl)}: ${reason}`
  return advice === undefined ? undefined : { what, reason, advice, mayCome }
}

const adviceOf = (refusal: string): string | undefined =>
  databaseAdvice(refusal) ?? (login.test(refusal) ? 'correct its login' : undefined)

const login = /^(WRONGPASS|NOAUTH)\b/
