import { serverProblemText, type ClusterConfig, type InvalidBackend } from '@mcp-router/config'
import { complain } from '../../terminal.js'
import type { Cluster } from '../cluster.js'
import type { Loss } from './restart-losses.js'
import { runningInstances } from '../status/running-instances.js'
import { askServed, type Served } from '../status/served.js'
import { recordedValues } from './settings.js'
import { clusterCommand } from '../../command-name.js'

/** leftOutLines name the servers with a problem, as this shell reads the servers file; the rest runs. */
export const leftOutLines = ({ invalid }: Pick<ClusterConfig, 'invalid'>): readonly string[] =>
  linesOf(invalid, 'is left out')

/** statusLines are what the Instances say; where they run and cannot be asked, what this shell reads is only near to it. */
export const statusLines = (
  { config, files }: Pick<Cluster, 'config' | 'files'>,
  served: Served | undefined,
): readonly string[] => {
  if (served !== undefined) return served.problems
  const own = leftOutLines(config)
  const isGuess = own.length > 0 && runningInstances(files).length > 0
  return isGuess
    ? ['no instance could be asked; as this shell reads the servers file:', ...own]
    : own
}

/** variableAdvice is how the Instances get a variable that they lack: the servers file they read again by themselves. */
export const variableAdvice = ({ problems }: Served): readonly string[] => {
  const missing = problems.flatMap((each) => unset.exec(each)?.[1] ?? [])
  if (missing.length === 0) return []
  return [
    `the running instances have the variables that they were started with: set ${[...new Set(missing)].join(', ')} here, then ${clusterCommand} restart`,
  ]
}

const unset = /the environment variable (\w+)\b.* is not set/

/**
 * announceLeftOut names, before a restart acts, the servers that it leaves out, and returns those that are lost by it: the running Instances serve
 * them, and this shell cannot start them with them. Where no Instance can be asked, each may be lost.
 */
export const announceLeftOut = async (cluster: Cluster): Promise<readonly Loss[]> => {
  const { config, files } = cluster
  const served = await askServed(cluster)
  const isAsked = served !== undefined || runningInstances(files).length === 0
  const isServed = ({ name }: { readonly name: string }): boolean =>
    !isAsked || served?.names.has(name) === true
  const absent = [...(served?.names ?? [])].filter((name) => isAbsent(cluster, name))
  const lost = [...config.invalid.filter(isServed), ...absent.map((name) => absentIn(config, name))]
  const others = config.invalid.filter((each) => !isServed(each))
  for (const line of linesOf(others, 'is left out')) complain(line)
  for (const line of linesOf(lost, 'is left out by this restart')) complain(line)
  if (lost.length === 0) return []
  const names = lost.map(({ name }) => `"${name}"`).join(', ')
  const it = lost.length === 1 ? 'it' : 'them'
  const what = isAsked
    ? `the running instances serve ${names}, and would not with the settings of this shell`
    : `no instance could be asked whether it serves ${names}, and none would with the settings of this shell`
  return [
    {
      option: 'leaveOut',
      what,
      asBefore: 'correct that in this shell',
      goOn: `go on without ${it}`,
    },
  ]
}

/** Of the same servers file, the Instances have read what was removed. */
const isAbsent = ({ config, files }: Cluster, name: string): boolean => {
  const isOtherFile = runningInstances(files).some((instance) => {
    const before = recordedValues(files, instance.name)['MCP_SERVERS_FILE']
    return before !== undefined && before !== config.serversFile
  })
  const known = [...config.backends, ...config.invalid].map((each) => each.name)
  return isOtherFile && !known.includes(name)
}

const absentIn = ({ serversFile }: ClusterConfig, name: string): InvalidBackend => ({
  name,
  problems: [`${serversFile} (MCP_SERVERS_FILE) does not have it, or has it disabled`],
})

const linesOf = (invalid: ClusterConfig['invalid'], effect: string): readonly string[] =>
  invalid.flatMap(({ name, problems }) =>
    problems.map((problem) => serverProblemText(name, effect, problem)),
  )
