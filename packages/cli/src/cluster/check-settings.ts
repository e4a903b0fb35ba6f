import { Failure } from '../failure.js'
import { complain } from '../terminal.js'
import { leftOvers, type Cluster } from './cluster.js'
import { find } from './pid-file.js'
import { stageOf, type ClusterProcess } from './process.js'
import { changedSettings } from './settings.js'

/**
 * requireSameSettings throws when Instances or Nginx run with other settings than those of this
 * command. Nothing is started or changed then: half of a cluster with an ACCESS_TOKEN is open to everyone.
 */
export const requireSameSettings = (cluster: Cluster): void => {
  const { files, processes } = cluster
  const instances = processes.filter(({ stage }) => stage === 'instance')
  const changed = processes
    .filter(isRefused)
    .filter(({ name }) => isRunning(cluster, name))
    .flatMap(({ name, settings = {} }) => changedSettings(files, name, settings))
  const surplus = surplusOf(cluster).filter((name) => stageOf(name) === 'instance')
  const isMoved = [...instances.map(({ name }) => name), ...surplus]
    .filter((name) => isRunning(cluster, name))
    .flatMap((name) => changedSettings(files, name, instances[0]?.settings ?? {}))
    .includes('ROUTER_BASE_PORT')
  const names = isMoved ? changed.filter((name) => !ofThePort.includes(name)) : changed
  const where = isMoved ? 'ROUTER_BASE_PORT' : 'ROUTER_INSTANCES'
  const told = surplus.map((name) => `${name} is surplus`).join(', ')
  if (surplus.length > 0 || isMoved) names.push(told === '' ? where : `${where}: ${told}`)
  if (names.length === 0) return
  // Under its new port, an instance cannot take its name while the old one has it.
  const verbs = isMoved ? 'stop, then start,' : 'restart'
  throw new Failure(
    `the running cluster uses other settings (${[...new Set(names)].join(', ')}); nothing was changed: scripts/start-instances.sh ${verbs} applies them`,
  )
}

const isRefused = ({ stage }: Pick<ClusterProcess, 'stage'>): boolean =>
  stage === 'instance' || stage === 'nginx'

const ofThePort = ['ROUTER_BASE_PORT', 'PORT', 'INSTANCE_ID', 'LOG_FILE']

/** warnOtherSettings names what else runs with other settings; it goes on as it is. */
export const warnOtherSettings = (cluster: Cluster): void => {
  for (const { name, stage, settings, listen } of cluster.processes) {
    if (isRefused({ stage }) || settings === undefined) continue
    if (!isRunning(cluster, name)) continue
    const changed = changedSettings(cluster.files, name, settings)
    const verbs = listen === undefined ? 'stop, then start,' : `restart ${listen.port}`
    if (changed.length > 0)
      complain(
        `${name} runs with other settings (${changed.join(', ')}): scripts/start-instances.sh ${verbs} applies them`,
      )
  }
  for (const name of surplusOf(cluster))
    complain(
      `${name} runs, but is no longer in the configuration: scripts/start-instances.sh restart ends it`,
    )
}

/** surplusOf are the running processes that are no longer in the configuration. */
const surplusOf = (cluster: Cluster): readonly string[] =>
  leftOvers(cluster).filter((name) => isRunning(cluster, name))

const isRunning = ({ files }: Cluster, name: string): boolean =>
  find(files, name).kind === 'running'
