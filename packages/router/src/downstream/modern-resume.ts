import type { Backend } from '@mcp-router/core'
import { messageFrame, modernClaim } from '@mcp-router/protocol'
import type { Incoming } from '../http/incoming.js'
import { outcomeUnknown } from '../calls/outcome.js'
import { respondError } from '../http/respond.js'
import { isRetrySafe } from '../calls/retry-safe.js'
import { beginStream } from '../outlet/stream.js'
import type { Context } from '../context.js'
import { bearerOf } from './modern-event-id.js'
import type { StreamedRequest } from './modern-event-id.js'
import { serveClaimed } from './modern.js'

/** A request that was sent again because its Instance died may be what ends Instances: it is not sent a third time. */
const maxRepeats = 1

/** resumedBy is the request whose answer a GET asks for; undefined: it asks for something else. */
export const resumedBy = ({ eventIds }: Context, incoming: Incoming): StreamedRequest | undefined =>
  eventIds.read(incoming.req.headers['last-event-id'], bearerOf(incoming))

/**
 * resumeModern answers a client that came back by GET for the answer to a request without session: with what the request comes to when it is sent once
 * more, where it may run twice, else with what is known of it. Each is an event, because the client of the SDK waits for ever after a refusal.
 */
export const resumeModern = async (
  context: Context,
  incoming: Incoming,
  backend: Backend,
  request: StreamedRequest,
): Promise<void> => {
  const { message, isWhole, repeats } = request
  incoming.reads(message)
  incoming.resumed = request
  try {
    const claim = isWhole && repeats < maxRepeats ? modernClaim(message) : undefined
    if (claim && (await isRetrySafe(context, backend, message).catch(() => false)))
      await serveClaimed(context, incoming, { backend, message, claim })
    else await respondKnown(context, incoming, request)
  } catch (error) {
    beginStream(incoming)
    respondError(incoming, error)
  }
}

const respondKnown = async (
  { deps }: Context,
  incoming: Incoming,
  { message, requestId, digest, at }: StreamedRequest,
): Promise<void> => {
  const known = digest ? await deps.callLog.find(requestId).catch(() => undefined) : undefined
  if (incoming.isClosed()) return
  beginStream(incoming)
  if (known?.response === undefined || known.digest !== digest)
    throw outcomeUnknown({ message, requestId, at })
  incoming.done(200, 'ok')
  incoming.res.end(messageFrame(Buffer.from(known.response)))
}
