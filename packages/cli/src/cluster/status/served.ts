import { serverProblemText } from '@mcp-router/config'
import type { Status } from '@mcp-router/gateway'
import { ask, bearer } from '../../http.js'
import type { Cluster } from '../cluster.js'
import { runningInstances } from './running-instances.js'

/** Served is what the running Instances say of the servers of the servers file. */
export interface Served {
  /** Servers that at least one of them serves. */
  readonly names: ReadonlySet<string>
  /** A line for each problem of a server. Where they differ, it names the Instances. */
  readonly problems: readonly string[]
}

/**
 * askServed asks the running Instances, which read the servers file with the variables that they were started with: those of this shell may be
 * others. Undefined: none of them answers.
 */
export const askServed = async ({
  files,
  config,
}: Pick<Cluster, 'files' | 'config'>): Promise<Served | undefined> => {
  const asked = runningInstances(files).map(async ({ name, address }) => {
    const answer = await ask(`${address}/api/status`, { headers: bearer(config.accessToken) })
    const status = 'failed' in answer || answer.status !== 200 ? undefined : statusIn(answer.body)
    return status === undefined ? [] : [{ name, status }]
  })
  const answers = (await Promise.all(asked)).flat()
  if (answers.length === 0) return undefined
  const names = answers.flatMap(({ status }) => status.backends.map((each) => each.name))
  return { names: new Set(names), problems: problemsIn(answers) }
}

/** ServersOf is the part of a Status that is about servers. */
type ServersOf = Pick<Status, 'backends' | 'invalid'>

interface Answer {
  readonly name: string
  readonly status: ServersOf
}

const problemsIn = (answers: readonly Answer[]): readonly string[] => {
  const told = answers.flatMap(({ name: instance, status }) => [
    ...status.invalid.flatMap(({ name, problems }) =>
      problems.map((problem) => ({ instance, name, effect: 'is left out', problem })),
    ),
    ...status.backends.flatMap(({ name, problems = [] }) =>
      problems.map((problem) => ({
        ...{ instance, name, problem },
        effect: 'keeps its previous definition',
      })),
    ),
  ])
  const lines = told.map(({ name, effect, problem }) => {
    const same = told.filter(
      (each) => each.name === name && each.effect === effect && each.problem === problem,
    )
    const at = same.map((each) => each.instance).join(', ')
    const where = same.length === answers.length ? '' : ` at ${at}`
    return serverProblemText(name, effect + where, problem)
  })
  return [...new Set(lines)]
}

const statusIn = (body: string): ServersOf | undefined => {
  try {
    const status = JSON.parse(body) as Partial<ServersOf>
    const isWhole = Array.isArray(status.backends) && Array.isArray(status.invalid)
    // Of the rest, a router of this release is trusted.
    return isWhole ? (status as ServersOf) : undefined
  } catch {
    return undefined
  }
}
