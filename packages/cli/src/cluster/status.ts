import { isSingleRedis, askRedis } from '../redis.js'
import { ask, bearer } from '../http.js'
import { leftOvers, type Cluster } from './cluster.js'
import { find } from './pid-file.js'
import type { ClusterProcess } from './process.js'

/** Status is what `cluster status` tells of one process. */
export interface Status {
  readonly process: string
  /** Null: not running, or not ours. */
  readonly pid: number | null
  readonly port: number | null
  readonly address: string
  readonly healthy: boolean
  /** `ok`, or what is wrong. */
  readonly health: string
  readonly uptimeMs: number | null
  /** Of Instances only. */
  readonly sessions: number | null
}

/**
 * statusOf looks at every process of the cluster, and at those that run without being in its
 * configuration any more.
 */
export const statusOf = async (cluster: Cluster): Promise<readonly Status[]> => {
  const outside = await outsideRedis(cluster)
  const own = await Promise.all(cluster.processes.map((process) => statusOfOne(cluster, process)))
  return [...outside, ...own, ...leftOvers(cluster).flatMap((name) => leftOver(cluster, name))]
}

const statusOfOne = async (cluster: Cluster, process: ClusterProcess): Promise<Status> => {
  const { name, address, listen, stage } = process
  const found = find(cluster.files, name)
  const running = found.kind === 'running' ? found : undefined
  const common = { process: name, address, port: listen?.port ?? null }
  // A Backend that somebody else runs is as good as ours.
  if (running === undefined && stage !== 'backend') {
    const health = found.kind === 'stale' ? `died (was pid ${found.pid})` : 'not running'
    return { ...common, pid: null, healthy: false, health, uptimeMs: null, sessions: null }
  }
  const problem = await process.health()
  const ok = running === undefined ? 'ok (not ours)' : 'ok'
  return {
    ...common,
    pid: running?.pid ?? null,
    healthy: problem === undefined,
    health: problem ?? ok,
    uptimeMs: running === undefined ? null : Date.now() - running.since,
    sessions: stage === 'instance' ? await sessionsOf(address, cluster.config.accessToken) : null,
  }
}

const outsideRedis = async ({ config }: Cluster): Promise<readonly Status[]> => {
  if (config.redisUrl === undefined || !isSingleRedis(config.redisUrl)) return []
  const answer = await askRedis(config.redisUrl, ['PING'])
  const problem = 'failed' in answer ? answer.failed : undefined
  const health = problem ?? 'ok (not ours)'
  const common = { process: 'redis', pid: null, port: null, uptimeMs: null, sessions: null }
  return [{ ...common, address: 'REDIS_URL', healthy: problem === undefined, health }]
}

const leftOver = ({ files }: Cluster, name: string): readonly Status[] => {
  const found = find(files, name)
  if (found.kind !== 'running') return []
  const status: Status = {
    process: name,
    pid: found.pid,
    port: Number(/\d+$/.exec(name)?.[0] ?? 0) || null,
    address: '-',
    healthy: true,
    health: 'running, but no longer in the configuration',
    uptimeMs: Date.now() - found.since,
    sessions: null,
  }
  return [status]
}

const sessionsOf = async (address: string, token: string | undefined): Promise<number | null> => {
  const answer = await ask(`${address}/api/status`, { headers: bearer(token) })
  if ('failed' in answer || answer.status !== 200) return null
  return sessionsIn(answer.body)
}

const sessionsIn = (body: string): number | null => {
  try {
    const { instance } = JSON.parse(body) as { instance?: { sessions?: unknown } }
    return typeof instance?.sessions === 'number' ? instance.sessions : null
  } catch {
    return null
  }
}
