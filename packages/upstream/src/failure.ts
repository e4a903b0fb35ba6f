import { RouterError } from '@mcp-router/core'
import { wasNeverSent } from './http/client.js'

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
