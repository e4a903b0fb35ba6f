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
  const isEnd = transport === 'stdio' && /^(exited with|ended by) /.test(how)
  const data = isEnd
    ? {
        reason: `its command ${how.replace(/^ended/, 'was ended')}`,
        todo: 'check its args and env',
      }
    : { reason: openingReason(id, cause), ...todoIn(cause) }
  return new RouterError('NO_HEALTHY_ENDPOINT', { backend, ...data }, cause)
}

const todoIn = (cause: unknown): { readonly todo?: string } => {
  const todo = cause instanceof RouterError ? cause.data['todo'] : undefined
  return typeof todo === 'string' ? { todo } : {}
}
