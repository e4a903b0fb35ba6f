import type { Session } from '@mcp-router/core'
import type { Upstream } from '@mcp-router/upstream'

/** What the record of a Session keeps of its session at the server, so that another Instance can continue it. */
export type BackendSession = Pick<Session, 'backendSessionId' | 'cookies'>

export const backendSessionOf = (upstream: Upstream | undefined): BackendSession => {
  const session = upstream?.session?.()
  return { backendSessionId: session?.sessionId ?? '', cookies: session?.cookies ?? '' }
}
