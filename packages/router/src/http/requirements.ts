import { RouterError } from '@mcp-router/core'
import { isLegacyRevision, legacyRevisions } from '@mcp-router/protocol'
import { acceptedOf } from './accept.js'
import type { Incoming } from './incoming.js'

/** A header that names an unknown revision is refused (spec 2025-06-18, transports: protocol version header). */
export const requireRevision = (incoming: Incoming): void => {
  const given = incoming.req.headers['mcp-protocol-version']
  if (given === undefined) return
  if (typeof given === 'string' && isLegacyRevision(given)) return
  const revision = String(given)
  throw new RouterError('REVISION_UNSUPPORTED', { revision, supported: legacyRevisions })
}

/** Either form will do; which one is seen to where the answer leaves. */
export const requireAccept = ({ req }: Incoming): void => {
  const { json, stream } = acceptedOf(req.headers.accept)
  if (json || stream) return
  throw new RouterError('NOT_ACCEPTABLE', { types: 'application/json or text/event-stream' })
}

/** requireStream throws NOT_ACCEPTABLE where the client takes no stream of events. */
export const requireStream = ({ req }: Incoming): void => {
  if (acceptedOf(req.headers.accept).stream) return
  throw new RouterError('NOT_ACCEPTABLE', { types: 'text/event-stream' })
}
