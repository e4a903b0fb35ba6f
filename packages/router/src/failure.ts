import { reasonOf, RouterError } from '@mcp-router/core'
import { SessionLost, wasNeverSent } from '@mcp-router/upstream'

/** failureOf says what a broken-off exchange with an Endpoint means to the client: it never arrived, or its outcome is unknown. */
export const failureOf = (backend: string, thrown: unknown): RouterError => {
  if (thrown instanceof RouterError) return thrown
  if (thrown instanceof SessionLost) return new RouterError('SESSION_NOT_FOUND', {}, thrown)
  const code = wasNeverSent(thrown) ? 'NO_HEALTHY_ENDPOINT' : 'UPSTREAM_FAILED'
  return new RouterError(code, { backend, reason: reasonOf(thrown) }, thrown)
}
