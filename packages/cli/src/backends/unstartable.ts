import type { Env } from '@mcp-router/config'
import type { Backend, Endpoint } from '@mcp-router/core'
import { existsSync } from 'node:fs'
import { findCommand } from '../binary.js'

/** Unstartable is why a command cannot be started, and what to do about it. */
interface Unstartable {
  readonly reason: string
  readonly advice: string
}

/** unstartable tells whether a command is sure to fail; undefined: nothing is wrong with it that can be seen without starting it. */
export const unstartable = (endpoint: Endpoint, env: Env): Unstartable | undefined => {
  if (endpoint.transport !== 'stdio') return undefined
  const { command, cwd } = endpoint
  if (cwd !== undefined && !existsSync(cwd))
    return {
      reason: `there is no folder ${cwd}, its "cwd"`,
      advice: 'create it, or correct "cwd" in the servers file',
    }
  if (findCommand(command, { ...env, ...endpoint.env }, cwd) !== undefined) return undefined
  const where = command.includes('/') ? '' : ' on the PATH'
  return {
    reason: `there is no command "${command}"${where}`,
    advice: command.startsWith('~')
      ? '"~" is not expanded: write ${HOME}'
      : 'install it, or correct "command" in the servers file',
  }
}

/** unstartableLines say so of each server, for people. */
export const unstartableLines = (backends: readonly Backend[], env: Env): readonly string[] =>
  backends.flatMap(({ name, endpoints }) =>
    endpoints.flatMap((endpoint) => {
      const found = unstartable(endpoint, env)
      if (found === undefined) return []
      return [`server "${name}" cannot be started: ${found.reason}; ${found.advice}`]
    }),
  )
