import { ConfigError, loadClusterConfig, type ClusterConfig, type Env } from '@mcp-router/config'
import { Failure } from '../../failure.js'
import { warnMisspelt } from '../../misspelt.js'
import { complain, say } from '../../terminal.js'
import { requireSamePorts } from '../start/check-settings.js'
import { clusterOf, leftOvers, type Cluster } from '../cluster.js'
import { withInterrupt } from '../start/interrupt.js'
import { announceLeftOut } from './left-out.js'
import { withLock } from '../run/lock.js'
import { requireNginxConf, writeNginxConf } from '../nginx.js'
import { requireSameSecret, restartTogether, withOtherSecret } from '../status/other-secret.js'
import { untilTrusted } from '../start/passed-over.js'
import { find, isAnyRunning } from '../run/pid-file.js'
import { portProblem } from '../run/port.js'
import type { ClusterProcess } from '../run/process.js'
import { reloadNginx } from './reload.js'
import { requireNoLoss, type RestartOptions } from './restart-losses.js'
import { restartOutcome } from './restart-outcome.js'
import { announceChanges } from './restart-settings.js'
import { makeRunDir } from '../run/run-files.js'
import { changedSettings } from './settings.js'
import { startMissing } from '../start/start.js'
import { processesAt } from '../start/start-command.js'
import { stop, stopInOrder } from '../stop.js'
import { startSupervisor } from '../supervise/supervisor.js'
import { requireUsableRedis } from '../start/usable-redis.js'

/**
 * restartCommand takes the Instances one at a time, each in use before the next, so that the others
 * answer meanwhile; a new CLUSTER_SECRET takes all of them together. What was not running is started, and Nginx reads its configuration again when
 * that has changed.
 */
export const restartCommand = async (
  env: Env,
  port: number | undefined,
  options: RestartOptions,
): Promise<void> => {
  // The configuration is read first: a mistake in it must not cost a running Instance.
  const config = requireConfig(env)
  warnMisspelt(env, config.serversFile)
  const cluster = clusterOf(config, env)
  const wanted = port === undefined ? cluster.processes : processesAt(cluster, port)
  requireNginxConf(cluster)
  makeRunDir(cluster.files)
  await withLock(cluster.files, async () => {
    requireSamePorts(cluster)
    await requireUsableRedis(config)
    const losses = [...announceChanges(cluster, port), ...(await announceLeftOut(cluster))]
    requireNoLoss(losses, port, options)
    // What is meant may run in another folder.
    if (!isAnyRunning(cluster.files))
      say(`nothing is running in ${config.runDir} (MCP_RUN_DIR): starting`)
    return withInterrupt((signal) => restart(cluster, wanted, port, signal))
  })
}

const requireConfig = (env: Env): ClusterConfig => {
  try {
    return loadClusterConfig(env)
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    throw new Failure(`${error.message}\nnothing was changed`)
  }
}

const restart = async (
  cluster: Cluster,
  wanted: readonly ClusterProcess[],
  port: number | undefined,
  signal: AbortSignal,
): Promise<void> => {
  const { files, config } = cluster
  const redis = wanted.filter(({ stage }) => stage === 'redis')
  const backends = wanted.filter(({ stage }) => stage === 'backend')
  const chosen = wanted.filter(({ stage, listen }) =>
    port === undefined ? stage === 'instance' : listen?.port === port,
  )
  if (port === undefined) await requireGatewayPort(cluster)
  const outdated = withOtherSecret(cluster)
  const ranBefore = chosen.filter(({ name }) => find(files, name).kind === 'running').length
  if (port !== undefined) requireSameSecret(chosen, outdated)
  await startMissing(cluster, redis, signal)
  const failed: ClusterProcess[] = []
  for (const backend of backends.filter((each) => !chosen.includes(each)))
    if (!(await isStarted(cluster, backend, signal))) failed.push(backend)
  const isTogether = port === undefined && outdated.length > 0
  if (isTogether) await restartTogether(cluster, chosen, outdated, signal)
  for (const process of isTogether ? [] : chosen)
    await untilTrusted(cluster, signal, async () => {
      await stop(files, process.name, { drainMs: config.drainMs })
      await startMissing(cluster, [process], signal)
    })
  if (port !== undefined) {
    await startSupervisor(cluster)
    return
  }
  const changed = writeNginxConf(config, files, cluster.env)
  const rest = wanted.filter((each) => !failed.includes(each))
  const started = await startMissing(cluster, rest, signal)
  // Not without need: a reload closes kept connections, and a client may just be sending on one.
  if (changed && started === 0) reloadNginx(cluster)
  // Nothing is sent any more to what is no longer in the configuration.
  await stopInOrder(files, leftOvers(cluster), { drainMs: config.drainMs })
  await startSupervisor(cluster)
  say(restartOutcome(ranBefore, chosen.length - ranBefore))
  if (failed.length > 0)
    throw new Failure(`not started: ${failed.map(({ what }) => what).join(', ')}; see above`)
}

/** A running Nginx that cannot take its new port keeps its old configuration, and says so in its log alone. */
const requireGatewayPort = async ({ files, processes }: Cluster): Promise<void> => {
  const nginx = processes.find(({ stage }) => stage === 'nginx')
  if (nginx?.listen === undefined || find(files, nginx.name).kind !== 'running') return
  if (!changedSettings(files, nginx.name, nginx).includes('GATEWAY_PORT')) return
  const problem = await portProblem(nginx.listen)
  if (problem !== undefined) throw new Failure(`${nginx.name}: ${problem}`)
}

/** One server that cannot be started must not keep the instances from what they are restarted for. */
const isStarted = async (
  cluster: Cluster,
  backend: ClusterProcess,
  signal: AbortSignal,
): Promise<boolean> => {
  try {
    await startMissing(cluster, [backend], signal)
    return true
  } catch (error) {
    if (signal.aborted || !(error instanceof Failure)) throw error
    complain(error.message)
    return false
  }
}
