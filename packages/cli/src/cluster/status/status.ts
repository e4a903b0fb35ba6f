import { databaseAdvice } from '@mcp-router/store'
import { isSingleRedis, askRedis } from '../../redis.js'
import { ask, bearer } from '../../http.js'
import { seconds } from '../../seconds.js'
import { leftOvers, type Cluster } from '../cluster.js'
import { find } from '../run/pid-file.js'
import { isPrivateRedisInUse } from './redis-in-use.js'
import { runningInstances } from './running-instances.js'
import { stageOf, type ClusterProcess } from '../run/process.js'
import { restartsIn, type Restarts } from '../supervise/restarts.js'
import { supervisorName } from '../supervise/supervisor.js'
import { clusterCommand } from '../../command-name.js'

/** Status is what `cluster status` tells of one process. */
export interface Status extends Restarts {
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

/** Seen is a Status without what the supervisor wrote. */
type Seen = Omit<Status, keyof Restarts>

/**
 * statusOf looks at every process of the cluster, and at those that run without being in its
 * configuration any more. Where the servers are not known, theirs are told from pid files alone.
 */
export const statusOf = async (
  cluster: Cluster,
  areServersKnown: boolean,
): Promise<readonly Status[]> => {
  const outside = await outsideRedis(cluster)
  const own = await Promise.all(cluster.processes.map((process) => statusOfOne(cluster, process)))
  const left = leftOvers(cluster).flatMap((name) => leftOver(cluster, name, areServersKnown))
  const rows = [...outside, ...own, ...left]
  const isRunning = rows.some(({ pid }) => pid !== null)
  const restartsOf = restartsIn(cluster.files)
  return [...rows, ...supervisorRow(cluster, isRunning)].map((row) =>
    withRestarts(row, restartsOf(row.process)),
  )
}

const statusOfOne = async (cluster: Cluster, process: ClusterProcess): Promise<Seen> => {
  const { name, address, listen, stage } = process
  const found = find(cluster.files, name)
  const running = found.kind === 'running' ? found : undefined
  const common = { process: name, address, port: listen?.port ?? null }
  // A Backend that somebody else runs is as good as ours.
  const { foreignHealth = () => Promise.resolve('not running') } = process
  const problem = await (running ? process.health() : foreignHealth())
  if (running === undefined && problem !== undefined) {
    const isElsewhere = stage === 'redis' && isOtherRedisInUse(cluster)
    const health = found.kind === 'stale' ? died(found.pid) : problem
    const seen = isElsewhere ? notLookedAt : health
    return { ...common, pid: null, healthy: false, health: seen, uptimeMs: null, sessions: null }
  }
  const uptimeMs = running === undefined ? null : Date.now() - running.since
  const ok = running === undefined ? 'ok (not ours)' : 'ok'
  return {
    ...common,
    pid: running?.pid ?? null,
    healthy: problem === undefined,
    health: problem === undefined ? ok : healthOf(problem, uptimeMs),
    uptimeMs,
    sessions: stage === 'instance' ? await sessionsOf(address, cluster.config.accessToken) : null,
  }
}

export const notLookedAt = 'not looked at: REDIS_URL of the cluster is not set in this shell'

const isOtherRedisInUse = ({ files }: Cluster): boolean =>
  runningInstances(files).length > 0 && !isPrivateRedisInUse(files)

/** A process that has just begun does not listen yet; after that time `start` gives it up, too. */
const startingMs = 60_000

/** healthOf is what to say of a problem: that nothing listens yet is none while a process starts. */
export const healthOf = (problem: string, uptimeMs: number | null): string =>
  uptimeMs !== null && uptimeMs < startingMs && /ECONNREFUSED/.test(problem) ? 'starting' : problem

// It matters only where there is something to restart.
const supervisorRow = ({ config, files }: Cluster, isRunning: boolean): readonly Seen[] => {
  if (!config.supervise || !isRunning) return []
  const found = find(files, supervisorName)
  const common = { process: supervisorName, port: null, address: '-', sessions: null }
  if (found.kind === 'running') {
    const uptimeMs = Date.now() - found.since
    return [{ ...common, pid: found.pid, healthy: true, health: 'ok', uptimeMs }]
  }
  const health = `not running, nothing is restarted; ${clusterCommand} start starts it`
  return [{ ...common, pid: null, healthy: false, health, uptimeMs: null }]
}

const withRestarts = (row: Seen, restarts: Restarts): Status => {
  const { nextTryAt } = restarts
  if (nextTryAt === null) return { ...row, ...restarts }
  const inMs = Math.max(0, Date.parse(nextTryAt) - Date.now())
  return { ...row, health: `${row.health}; next try in ${seconds(inMs)}`, ...restarts }
}

/** What the row of a Redis that is not ours has for an address: its own may hold a password. */
export const outsideAddress = 'REDIS_URL'

const outsideRedis = async ({ config }: Cluster): Promise<readonly Seen[]> => {
  if (config.redisUrl === undefined || !isSingleRedis(config.redisUrl)) return []
  const answer = await askRedis(config.redisUrl, ['PING'])
  const problem = 'failed' in answer ? answer.failed : undefined
  const advice = problem === undefined ? undefined : databaseAdvice(problem)
  const health = [problem ?? 'ok (not ours)', ...(advice === undefined ? [] : [advice])].join('; ')
  const common = { process: 'redis', pid: null, port: null, uptimeMs: null, sessions: null }
  return [{ ...common, address: outsideAddress, healthy: problem === undefined, health }]
}

const leftOver = ({ files }: Cluster, name: string, areServersKnown: boolean): readonly Seen[] => {
  const found = find(files, name)
  const isUnknown = !areServersKnown && stageOf(name) === 'backend'
  const port = Number(/\d+$/.exec(name)?.[0] ?? 0) || null
  const common = { process: name, port, address: '-', sessions: null }
  if (found.kind === 'running') {
    const health = isUnknown
      ? 'running, not checked'
      : 'running, but no longer in the configuration'
    const uptimeMs = Date.now() - found.since
    return [{ ...common, pid: found.pid, healthy: true, health, uptimeMs }]
  }
  if (!isUnknown || found.kind !== 'stale') return []
  const health = died(found.pid)
  return [{ ...common, pid: null, healthy: false, health, uptimeMs: null }]
}

const died = (pid: number): string => `died (was pid ${pid})`

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
