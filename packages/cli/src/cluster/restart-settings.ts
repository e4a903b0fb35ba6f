import { Failure } from '../failure.js'
import { say } from '../terminal.js'
import { ofThePort } from './check-settings.js'
import type { Cluster } from './cluster.js'
import { writtenInstances } from './nginx.js'
import { find } from './pid-file.js'
import type { ClusterProcess } from './process.js'
import { runningInstances } from './running-instances.js'
import { changeWords, settingChanges, type SettingChange } from './settings.js'

/** RestartOptions: `removeToken` says that a cluster with an access token shall go on without one. */
export interface RestartOptions {
  readonly removeToken: boolean
}

/**
 * announceChanges says, before a restart acts, which settings it changes: those of this shell take the place of those that the cluster was
 * started with. It throws where the access token would be lost by that alone: the whole cluster is open to every local program then.
 */
export const announceChanges = (
  cluster: Cluster,
  port: number | undefined,
  { removeToken }: RestartOptions,
): void => {
  // Also those that are no longer in the configuration: what takes their place has other settings.
  const running = runningInstances(cluster.files)
  const instances = running.map(({ name }) => changesOf(cluster, name))
  const others = cluster.processes
    .filter(({ stage }) => stage !== 'instance')
    .filter(({ stage, listen }) => (port === undefined ? stage === 'nginx' : listen?.port === port))
    .filter(({ name }) => find(cluster.files, name).kind === 'running')
    .map((each) => settingChanges(cluster.files, each.name, each))
  const isOfInstances = port === undefined || cluster.processes.some(isInstanceAt(port))
  const shown = [...(isOfInstances ? instances : []), ...others].flat()
  const words = shown.map(changeWords)
  if (port === undefined && instances.length > 0) words.push(...numberChange(cluster))
  if (words.length > 0) say(`settings change: ${[...new Set(words)].sort().join(', ')}`)
  // Also where another process is chosen: the supervisor takes the settings of this shell, too.
  const isTokenLost = instances.flat().some(isRemovedToken)
  if (!isTokenLost || removeToken) return
  const verb = 'scripts/start-instances.sh restart'
  const at = port === undefined ? [] : [port]
  // npm keeps a flag for itself unless it stands behind "--".
  const flag = '--remove-token'
  throw new Failure(
    `the running cluster wants an access token, and this shell has none; nothing was changed: set ACCESS_TOKEN as before, or go on without one: ${[verb, ...at, flag].join(' ')} (${['npm restart --', ...at, flag].join(' ')})`,
  )
}

const isInstanceAt =
  (port: number) =>
  ({ stage, listen }: ClusterProcess): boolean =>
    stage === 'instance' && listen?.port === port

const isRemovedToken = ({ name, how }: SettingChange): boolean =>
  name === 'ACCESS_TOKEN' && how === 'removed'

const changesOf = ({ files, processes }: Cluster, name: string): readonly SettingChange[] => {
  const planned = processes.find((each) => each.name === name)
  const any = planned ?? processes.find(({ stage }) => stage === 'instance')
  const changes = settingChanges(files, name, any ?? {})
  return planned === undefined
    ? changes.filter((change) => !ofThePort.includes(change.name))
    : changes
}

const numberChange = ({ config, files }: Cluster): readonly string[] => {
  const before = writtenInstances(files)
  if (before === 0 || before === config.instances) return []
  return [`ROUTER_INSTANCES ${before} → ${config.instances}`]
}
