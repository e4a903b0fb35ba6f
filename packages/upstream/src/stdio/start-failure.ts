import { existsSync } from 'node:fs'
import { basename } from 'node:path'
import { RouterError } from '@mcp-router/core'
import type { Backend, Endpoint, StdioEndpoint } from '@mcp-router/core'

/** Their command was not found when it was last started. */
const missing = new WeakSet<Endpoint>()

/** isMissing tells that the command of an Endpoint is not there: to wait for it would be in vain. */
export const isMissing = (endpoint: Endpoint): boolean => missing.has(endpoint)

/** noteStarted takes note that the command is there after all. */
export const noteStarted = (endpoint: Endpoint): void => void missing.delete(endpoint)

/**
 * startFailure is why a command could not be started. One that is not there is for the operator to correct, and no call gets further by waiting;
 * anything else may pass. The command is named without its path.
 */
export const startFailure = (
  { name: backend }: Backend,
  endpoint: StdioEndpoint,
  cause: NodeJS.ErrnoException,
): RouterError => {
  const name = basename(endpoint.command)
  const told = lasting[cause.code ?? '']
  if (!told) {
    const reason = `starting ${name}: ${cause.code ?? 'it could not be run'}`
    return new RouterError('NO_HEALTHY_ENDPOINT', { backend, reason }, cause)
  }
  missing.add(endpoint)
  const { cwd } = endpoint
  const isElsewhere = cause.code === 'ENOENT' && cwd !== undefined && !existsSync(cwd)
  const reason = isElsewhere ? `the "cwd" of its command "${name}" does not exist` : told(name)
  return new RouterError('BACKEND_MISCONFIGURED', { backend, reason }, cause)
}

const lasting: Readonly<Record<string, (name: string) => string>> = {
  ENOENT: (name) => `its command "${name}" is not installed`,
  ENOTDIR: (name) => `its command "${name}" is not installed`,
  EACCES: (name) => `its command "${name}" may not be run`,
}
