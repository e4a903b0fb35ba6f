import { say } from '../../terminal.js'
import { ofThePort } from '../start/check-settings.js'
import type { Cluster } from '../cluster.js'
import { writtenInstances } from '../nginx.js'
import { find } from '../run/pid-file.js'
import type { ClusterProcess } from '../run/process.js'
import { isPrivateRedisInUse } from '../status/redis-in-use.js'
import type { Loss } from './restart-losses.js'
import { runningInstances } from '../status/running-instances.js'
import { changeWords, settingChanges, type SettingChange } from './settings.js'

/**
 * announceChanges says, before a restart acts, which settings it changes: those of this shell take the place of those that the cluster was
 * started with. It returns what is lost by that alone.
 */
export const announceChanges = (cluster: Cluster, port: number | undefined): readonly Loss[] => {
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
  const changes = instances.flat()
  const losses: Loss[] = []
  if (changes.some(isRemovedToken)) losses.push(lostToken)
  if (changes.some(({ name }) => name === 'REDIS_URL')) losses.push(lostSessions(cluster))
  return losses
}

/** The whole cluster is open to every local program without it. */
const lostToken: Loss = {
  option: 'removeToken',
  what: 'the running cluster wants an access token, and this shell has none',
  asBefore: 'set ACCESS_TOKEN as before',
  goOn: 'go on without one',
}

const lostSessions = ({ files }: Cluster): Loss => {
  const isPrivate = isPrivateRedisInUse(files)
  return {
    option: 'otherRedis',
    what: isPrivate
      ? 'the running cluster has a private Redis and no REDIS_URL, and its sessions would be lost'
      : 'the running cluster has another REDIS_URL, and its sessions would be lost',
    asBefore: isPrivate ? 'unset REDIS_URL' : 'set REDIS_URL as before',
    goOn: 'go on with another one',
    isOfAll: true,
  }
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
