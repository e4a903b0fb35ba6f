import { reasonOf } from '@mcp-router/core'
import * as util from 'node:util'
import { readText } from './read-text.js'

/** EnvFileOutcome is the variables of the file, or why they cannot be had. */
export type EnvFileOutcome =
  | { readonly variables: Readonly<Record<string, string>> }
  | { readonly reason: string; readonly advice: string }

/** readEnvFile reads `NAME=value` lines as `node --env-file` does. The file may hold secrets: a reason never quotes it. */
export const readEnvFile = (path: string): EnvFileOutcome => {
  // Absent before Node 20.12, whatever the types say: an import by its name would not load there.
  const { parseEnv } = util as Partial<typeof util>
  if (parseEnv === undefined)
    return { reason: 'envFile needs Node 20.12 or later', advice: 'put the variables under env' }
  try {
    const entries = Object.entries(parseEnv(readText(path)))
    return { variables: Object.fromEntries(entries.map(([name, value]) => [name, value ?? ''])) }
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT')
      return {
        reason: `its envFile ${path} does not exist`,
        advice: 'create it, or correct "envFile"',
      }
    return {
      reason: `envFile cannot be read: ${reasonOf(error)}`,
      advice: 'correct it, or put the variables under env',
    }
  }
}
