import { Failure } from '../../failure.js'
import { complain } from '../../terminal.js'
import { leftOvers, type Cluster } from '../cluster.js'
import { exportLine } from './export-line.js'
import { find } from '../run/pid-file.js'
import { stageOf, type ClusterProcess } from '../run/process.js'
import { runningInstances } from '../status/running-instances.js'
import {
  changedSettings,
  changeWords,
  settingChanges,
  type Configured,
  type SettingChange,
} from '../restart/settings.js'
import { clusterCommand } from '../../command-name.js'

/**
 * requireSamePorts throws where Instances, or servers by a variable of the servers file, run at other ports than this shell gives them: under its
 * new port, an Instance cannot take its name while the old one has it, and a server would lose its sessions. Nothing is started or changed then.
 */
export const requireSamePorts = (cluster: Cluster): void => {
  const { files, processes } = cluster
  const planned: Configured = processes.find(({ stage }) => stage === 'instance') ?? {}
  const { serverPorts = [] } = planned
  const ofInstances = runningInstances(files).flatMap(({ name }) =>
    settingChanges(files, name, planned),
  )
  const ports = ['ROUTER_BASE_PORT', ...serverPorts.map(({ name }) => name)]
  if (!ofInstances.some(({ name }) => ports.includes(name))) return
  const ofNginx = processes
    .filter(({ stage, name }) => stage === 'nginx' && isRunning(cluster, name))
    .flatMap((each) => settingChanges(files, each.name, each))
  const changes = [...ofInstances, ...ofNginx].filter(
    ({ name }) => name === 'ROUTER_BASE_PORT' || !ofThePort.includes(name),
  )
  throw new Failure(
    `the running cluster has other ports (${wordsOf(changes).join(', ')}); nothing was changed: ${asStarted(changes)}, or ${clusterCommand} stop, then start, to apply this shell's settings`,
  )
}

const wordsOf = (changes: readonly SettingChange[]): readonly string[] =>
  [...new Set(changes.map(changeWords))].sort()

/** asStarted is what this shell must set for the running cluster, ready to be pasted. Of a secret there is only the name. */
const asStarted = (changes: readonly SettingChange[]): string => {
  const before = new Map(
    changes.flatMap(({ name, before }) => (before === undefined ? [] : [[name, before] as const])),
  )
  if (before.size === 0) return 'set them as the cluster was started'
  const others = [...new Set(changes.map(({ name }) => name))].filter((name) => !before.has(name))
  const and = others.length === 0 ? '' : ` and ${others.join(', ')} as it was started`
  return `"${exportLine([...before])}" for this cluster${and}`
}

/**
 * requireSameSettings throws when Instances or Nginx run with other settings than those of this
 * command. Nothing is started or changed then: half of a cluster with an ACCESS_TOKEN is open to everyone.
 */
export const requireSameSettings = (cluster: Cluster): void => {
  requireSamePorts(cluster)
  const { files, processes } = cluster
  const changes = processes
    .filter(isRefused)
    .filter(({ name }) => isRunning(cluster, name))
    .flatMap((each) => settingChanges(files, each.name, each))
  const extra = extraOf(cluster).filter((name) => stageOf(name) === 'instance')
  const extraText = extra.map((name) => `${name} is extra`).join(', ')
  const words = [
    ...wordsOf(changes),
    ...(extra.length > 0 ? [`ROUTER_INSTANCES: ${extraText}`] : []),
  ]
  if (words.length === 0) return
  throw new Failure(
    `the running cluster uses other settings (${words.join(', ')}); nothing was changed: ${asStarted(changes)}, or run ${clusterCommand} restart to apply this shell's settings`,
  )
}

const isRefused = ({ stage }: Pick<ClusterProcess, 'stage'>): boolean =>
  stage === 'instance' || stage === 'nginx'

/** ofThePort are the settings by which the Instances of one cluster differ. */
export const ofThePort: readonly string[] = ['ROUTER_BASE_PORT', 'PORT', 'INSTANCE_ID', 'LOG_FILE']

/** warnOtherSettings names what else runs with other settings; it goes on as it is. */
export const warnOtherSettings = (cluster: Cluster): void => {
  for (const process of cluster.processes) {
    const { name, settings, listen } = process
    if (isRefused(process) || settings === undefined) continue
    if (!isRunning(cluster, name)) continue
    const changed = changedSettings(cluster.files, name, process)
    const verbs = listen === undefined ? 'stop, then start,' : `restart ${listen.port}`
    if (changed.length > 0)
      complain(
        `${name} runs with other settings (${changed.join(', ')}): ${clusterCommand} ${verbs} applies them`,
      )
  }
  for (const name of extraOf(cluster))
    complain(
      `${name} runs, but is no longer in the configuration: ${clusterCommand} restart ends it`,
    )
}

/** extraOf are the running processes that are no longer in the configuration. */
const extraOf = (cluster: Cluster): readonly string[] =>
  leftOvers(cluster).filter((name) => isRunning(cluster, name))

const isRunning = ({ files }: Cluster, name: string): boolean =>
  find(files, name).kind === 'running'
