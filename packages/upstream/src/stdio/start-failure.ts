import { existsSync } from 'node:fs'
import { basename, isAbsolute } from 'node:path'
import { RouterError } from '@mcp-router/core'
import type { Backend, StdioEndpoint } from '@mcp-router/core'
import { noteUnusable } from '../unusable.js'

/**
 * startFailure is why a command could not be started. One that is not there is for the operator to correct, and no call gets further by waiting;
 * anything else may pass. The command is named as configured, but without a path from the root: clients are told this.
 */
export const startFailure = (
  { name: backend }: Backend,
  endpoint: StdioEndpoint,
  cause: NodeJS.ErrnoException,
): RouterError => {
  const name = nameOf(endpoint.command)
  const explained = lasting[cause.code ?? '']
  if (!explained) {
    const reason = `starting ${name}: ${cause.code ?? 'it could not be run'}`
    return new RouterError('NO_HEALTHY_ENDPOINT', { backend, reason }, cause)
  }
  noteUnusable(endpoint)
  const { cwd } = endpoint
  const isElsewhere = cause.code === 'ENOENT' && cwd !== undefined && !existsSync(cwd)
  const reason = isElsewhere ? `the "cwd" of its command "${name}" does not exist` : explained(name)
  return new RouterError('BACKEND_MISCONFIGURED', { backend, reason }, cause)
}

/** Behind a blank there may be arguments, with a slash or a secret in them. */
const nameOf = (command: string): string => {
  const [first = '', ...others] = command.split(/\s+/)
  const name = isAbsolute(first) ? basename(first) : first
  return others.length > 0 ? `${name} …` : name
}

const notInstalled = (name: string): string => {
  const told = `its command "${name}" is not installed`
  return name.startsWith('~') ? `${told}: "~" is not expanded, write \${HOME}` : told
}

const lasting: Readonly<Record<string, (name: string) => string>> = {
  ENOENT: notInstalled,
  ENOTDIR: notInstalled,
  EACCES: (name) => `its command "${name}" may not be run`,
}
