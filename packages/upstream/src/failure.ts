import { RouterError, shortReason } from '@mcp-router/core'
import type { Backend, Endpoint } from '@mcp-router/core'
import { wasNeverSent } from './http/client.js'
import { openingReason } from './watched.js'

/** mayTryElsewhere tells that a failed call never reached the Endpoint. */
export const mayTryElsewhere = (error: unknown): boolean =>
  wasNeverSent(error) ||
  isMisconfigured(error) ||
  (error instanceof RouterError && error.code === 'NO_HEALTHY_ENDPOINT')

/** isFinal tells of a server that answers, but not as one that could be used, or that cannot be asked: it is not asked again in a moment. */
export const isFinal = (cause: unknown): boolean =>
  isMisconfigured(cause) || (cause instanceof RouterError && finalCodes.has(cause.code))

const finalCodes: ReadonlySet<string> = new Set([
  'UPSTREAM_CREDENTIAL_REFUSED',
  'UPSTREAM_BAD_ANSWER',
  'LOOP_DETECTED',
  'DRAINING',
])

/** isMisconfigured tells that this Endpoint takes no call before the operator has corrected it. */
const isMisconfigured = (error: unknown): boolean =>
  error instanceof RouterError && error.code === 'BACKEND_MISCONFIGURED'

/**
 * notOpened is what a call fails with whose Endpoint could not be opened, and may be in a moment. A command that ended is for the operator to
 * look at.
 */
export const notOpened = (
  { name: backend }: Pick<Backend, 'name'>,
  { id, transport }: Endpoint,
  cause: unknown,
): RouterError => {
  const how = shortReason(cause)
  const todo = transport === 'stdio' ? adviceOnEnd(how) : undefined
  const data = todo
    ? { reason: `its command ${how.replace(/^ended/, 'was ended')}`, todo }
    : { reason: openingReason(id, cause), ...todoIn(cause) }
  return new RouterError('NO_HEALTHY_ENDPOINT', { backend, ...data }, cause)
}

/** adviceOnEnd is what to do about a command that ended before it was ready; undefined: `how` tells of something else. */
export const adviceOnEnd = (how: string): string | undefined =>
  /^(exited with|ended by) /.test(how) ? 'check its args and env' : undefined

const todoIn = (cause: unknown): { readonly todo?: string } => {
  const todo = cause instanceof RouterError ? cause.data['todo'] : undefined
  return typeof todo === 'string' ? { todo } : {}
}
