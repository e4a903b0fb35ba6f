import { serverProblemText, type ClusterConfig } from '@mcp-router/config'
import { complain } from '../terminal.js'
import type { Cluster } from './cluster.js'
import { runningInstances } from './running-instances.js'
import { askServed, type Served } from './served.js'

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

/**
 * announceLeftOut names, before a restart acts, the servers that it leaves out: those that the running Instances serve, and that this shell cannot
 * start them with, are lost by it.
 */
export const announceLeftOut = async (cluster: Cluster): Promise<void> => {
  const { invalid } = cluster.config
  if (invalid.length === 0) return
  const served = await askServed(cluster)
  const isServed = ({ name }: { readonly name: string }): boolean =>
    served?.names.has(name) === true
  const lost = invalid.filter(isServed)
  const others = invalid.filter((each) => !isServed(each))
  for (const line of linesOf(others, 'is left out')) complain(line)
  for (const line of linesOf(lost, 'will be left out by this restart')) complain(line)
  if (lost.length === 0) return
  const names = lost.map(({ name }) => `"${name}"`).join(', ')
  complain(
    `the running instances serve ${names}: to keep ${lost.length === 1 ? 'it' : 'them'}, correct that in this shell and run scripts/start-instances.sh restart again`,
  )
}

const linesOf = (invalid: ClusterConfig['invalid'], effect: string): readonly string[] =>
  invalid.flatMap(({ name, problems }) =>
    problems.map((problem) => serverProblemText(name, effect, problem)),
  )
