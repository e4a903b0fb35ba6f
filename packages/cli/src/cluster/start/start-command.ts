import { loadClusterConfig, type Env } from '@mcp-router/config'
import { Failure } from '../../failure.js'
import { warnMisspelt } from '../../misspelt.js'
import { seconds } from '../../seconds.js'
import { table } from '../../table.js'
import { complain, say } from '../../terminal.js'
import { requireSamePorts, requireSameSettings, warnOtherSettings } from './check-settings.js'
import { clusterOf, type Cluster } from '../cluster.js'
import { unstartableLines } from '../../backends/unstartable.js'
import { withInterrupt } from './interrupt.js'
import { leftOutLines, variableAdvice } from '../restart/left-out.js'
import { withLock } from '../run/lock.js'
import { requireNginxConf, writeNginxConf } from '../nginx.js'
import { find } from '../run/pid-file.js'
import type { ClusterProcess } from '../run/process.js'
import { reloadNginx } from '../restart/reload.js'
import { makeRunDir } from '../run/run-files.js'
import { askServed } from '../status/served.js'
import { shellNeeds } from './shell-needs.js'
import { startMissing } from './start.js'
import { hasSupervisor, startSupervisor } from '../supervise/supervisor.js'
import { routeCall } from './try-it.js'
import { verifyCommand } from '../../command-name.js'

/**
 * startCommand starts what is not running; with a port, only the process at that port and what it
 * needs.
 */
export const startCommand = async (env: Env, port: number | undefined): Promise<void> => {
  const began = Date.now()
  const config = loadClusterConfig(env)
  for (const line of [config.unused, config.unenforced]) if (line !== undefined) complain(line)
  warnMisspelt(env, config.serversFile)
  const cluster = clusterOf(config, env)
  const wanted = port === undefined ? cluster.processes : processesAt(cluster, port)
  requireNginxConf(cluster)
  makeRunDir(cluster.files)
  const { started, reloaded } = await withLock(cluster.files, () =>
    withInterrupt((signal) => start(cluster, wanted, signal)),
  )
  if (started > 0) say(`started ${started} in ${seconds(Date.now() - began)}`)
  else if (!reloaded) say(`nothing to do: ${allOf(wanted)} running`)
  if (started > 0 && port === undefined) printAddresses(cluster)
}

/** Instances that run read the servers file with their own variables; those to be started, with the ones of this shell. */
const leftOut = async (
  cluster: Cluster,
  wanted: readonly ClusterProcess[],
): Promise<readonly string[]> => {
  const served = await askServed(cluster)
  const isAnyNew = wanted.some(
    ({ stage, name }) => stage === 'instance' && find(cluster.files, name).kind !== 'running',
  )
  const own = served === undefined || isAnyNew ? leftOutLines(cluster.config) : []
  const advice = served === undefined || isAnyNew ? [] : variableAdvice(served)
  return [...new Set([...(served?.problems ?? []), ...own]), ...advice]
}

const allOf = (wanted: readonly ClusterProcess[]): string =>
  wanted.length === 1 ? 'it is' : `all ${wanted.length} processes are`

interface StartOutcome {
  readonly started: number
  readonly reloaded: boolean
}

const start = async (
  cluster: Cluster,
  wanted: readonly ClusterProcess[],
  signal: AbortSignal,
): Promise<StartOutcome> => {
  const { config, files, env } = cluster
  requireSameSettings(cluster)
  for (const line of await leftOut(cluster, wanted)) complain(line)
  for (const line of unstartableLines(config.backends, env)) complain(line)
  warnOtherSettings(cluster)
  const ranBefore = find(files, 'nginx').kind === 'running'
  const started = await startMissing(cluster, wanted, signal)
  // Instances that were added reach an Nginx that was left running.
  const reloaded = ranBefore && writeNginxConf(config, files, env)
  if (reloaded) reloadNginx(cluster)
  const isSupervised = hasSupervisor(files)
  if (started > 0 || reloaded || isSupervised !== config.supervise) await startSupervisor(cluster)
  return { started, reloaded }
}

/** processesAt picks the process of a port, and Redis, without which no Instance starts. */
export const processesAt = (cluster: Cluster, port: number): readonly ClusterProcess[] => {
  const one = cluster.processes.find(({ listen }) => listen?.port === port)
  if (one !== undefined)
    return cluster.processes.filter((each) => each === one || each.stage === 'redis')
  // What runs at that port may be of the cluster, and only this shell give it another one.
  requireSamePorts(cluster)
  const ports = cluster.processes.flatMap(({ listen, name }) =>
    listen === undefined ? [] : [`${listen.port} (${name})`],
  )
  throw new Failure(`nothing of this cluster has port ${port}; it has ${ports.join(', ')}`)
}

const printAddresses = (cluster: Cluster): void => {
  const { config, files, processes } = cluster
  say()
  const rows = processes.map(({ name, address }) => {
    const found = find(files, name)
    const pid = found.kind === 'running' ? String(found.pid) : '-'
    return [name, pid, address, found.kind === 'running' ? files.log(name) : '(not ours)']
  })
  for (const line of table(['process', 'pid', 'address', 'log'], rows)) say(line)
  const gateway = processes.find(({ stage }) => stage === 'nginx')?.address ?? ''
  const [backend] = config.backends
  say()
  say('To try it:')
  if (backend !== undefined) {
    say()
    for (const line of routeCall(`${gateway}/mcp/router/route/${backend.name}`, config.accessToken))
      say(`  ${line}`)
  }
  say()
  say(`  ${verifyCommand} ${gateway}`)
  const needs = shellNeeds(cluster)
  if (needs.length > 0) say()
  for (const line of needs) say(line)
}
