import { ConfigError, type Problem } from './config-error.js'
import {
  environmentSchema,
  fileVariable,
  secondNames,
  secrets,
  type Environment,
  type Variable,
} from './schema.js'

/** Env is a process environment. */
export type Env = Readonly<Record<string, string | undefined>>

/** Given is a value that came by an option of a command and stands above the variable. */
export interface Given {
  readonly option: string
  readonly value: string
}

/**
 * parseEnvironment checks all variables at once. An empty variable counts as unset, as compose
 * files leave them.
 */
export const parseEnvironment = (
  env: Env,
  given: Partial<Record<Variable, Given>> = {},
): Environment => {
  const names = environmentSchema.keyof().options
  const values = new Map<Variable, string>()
  for (const name of names) {
    const value = given[name]?.value ?? firstSet(env, [name, secondNames[name]])
    if (value !== undefined) values.set(name, value)
  }
  const parsed = environmentSchema.safeParse(Object.fromEntries(values))
  const twice = givenTwice(env)
  if (parsed.success && twice.length === 0) {
    requireLongerLife(parsed.data)
    return parsed.data
  }
  const wrong = (parsed.error?.issues ?? []).map((issue): Problem => {
    // The schema has one level: the path of every issue is the name of a variable.
    const name = String(issue.path[0]) as Variable
    const label = given[name]?.option ?? name
    // Of a secret it is not known here which of the two it came from.
    const isSecret = label === name && secrets.some((each) => each === name)
    const where = isSecret ? `${label}, or the file that ${fileVariable(name)} names,` : label
    return { reason: `${label}: ${issue.message}`, advice: `correct ${where} or leave it out` }
  })
  throw new ConfigError([...twice, ...wrong])
}

/** Which of two secrets is meant nobody can tell; the one that was just changed may be the other. */
const givenTwice = (env: Env): readonly Problem[] =>
  secrets
    .filter((name) => env[name] && env[fileVariable(name)])
    .map((name) => ({
      reason: `${name} and ${fileVariable(name)} are both set`,
      advice: 'set one of them',
    }))

/** A session in use is renewed once in MCP_TOUCH_MS, and must outlive a renewal that is late. */
const touchesInLife = 3

const requireLongerLife = ({ MCP_SESSION_TTL_MS, MCP_TOUCH_MS }: Environment): void => {
  const least = touchesInLife * MCP_TOUCH_MS
  if (MCP_SESSION_TTL_MS >= least) return
  const reason = `MCP_SESSION_TTL_MS: ${MCP_SESSION_TTL_MS} is less than three times MCP_TOUCH_MS (${MCP_TOUCH_MS})`
  throw new ConfigError([{ reason, advice: `set it to ${least} or more, or lower MCP_TOUCH_MS` }])
}

/** variableNames are all names that are read, second ones and those of files with secrets too. */
export const variableNames: readonly string[] = [
  ...environmentSchema.keyof().options,
  ...Object.values(secondNames),
  ...secrets.map(fileVariable),
]

/** secretVariables are those whose values nobody may see. */
export const secretVariables: readonly string[] = secrets

const firstSet = (env: Env, names: readonly (string | undefined)[]): string | undefined => {
  for (const name of names) {
    const value = name === undefined ? undefined : env[name]
    if (value !== undefined && value !== '') return value
  }
  return undefined
}
