import type { Session } from '@mcp-router/core'

/** AtServer says where a Session is: in which session, at which server. */
export type AtServer = Pick<Session, 'backendSessionId' | 'place'>

/** hasMoved tells that a Session is in another session at its server, or at another one, than it was. */
export const hasMoved = (now: AtServer, then: AtServer): boolean =>
  now.backendSessionId !== then.backendSessionId || now.place !== then.place

export const atServer = ({ backendSessionId, place }: Session): AtServer => ({
  backendSessionId,
  place,
})
