import { Failure } from '../../failure.js'
import { say } from '../../terminal.js'
import type { Cluster } from '../cluster.js'
import type { ClusterProcess } from '../run/process.js'
import { runningInstances } from './running-instances.js'
import { changedSettings } from '../restart/settings.js'
import { startMissing } from '../start/start.js'
import { stopInOrder } from '../stop.js'
import { clusterCommand } from '../../command-name.js'

/** withOtherSecret names the running Instances that were started with another CLUSTER_SECRET. */
export const withOtherSecret = ({ files, processes }: Cluster): readonly string[] => {
  const planned = processes.find(({ stage }) => stage === 'instance') ?? {}
  return runningInstances(files)
    .map(({ name }) => name)
    .filter((name) => changedSettings(files, name, planned).includes('CLUSTER_SECRET'))
}

/** requireSameSecret throws where one Instance alone would be restarted with another secret. */
export const requireSameSecret = (
  chosen: readonly ClusterProcess[],
  outdated: readonly string[],
): void => {
  if (!chosen.some(({ stage }) => stage === 'instance')) return
  const others = outdated.filter((name) => !chosen.some((each) => each.name === name))
  if (others.length === 0) return
  throw new Failure(
    `${others.join(', ')} use another CLUSTER_SECRET; nothing was changed: ${clusterCommand} restart, without a port, restarts all instances together`,
  )
}

/** restartTogether is for a new secret: Instances with different ones refuse each other's handoffs. */
export const restartTogether = async (
  cluster: Cluster,
  chosen: readonly ClusterProcess[],
  outdated: readonly string[],
  signal: AbortSignal,
): Promise<void> => {
  say('CLUSTER_SECRET has changed: all instances are restarted together')
  const names = new Set([...chosen.map(({ name }) => name), ...outdated])
  await stopInOrder(cluster.files, [...names], { drainMs: cluster.config.drainMs })
  await startMissing(cluster, chosen, signal)
}
