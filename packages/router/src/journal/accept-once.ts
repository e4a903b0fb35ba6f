import { createHash } from 'node:crypto'
import type { Backend } from '@mcp-router/core'
import type { Message } from '@mcp-router/protocol'
import type { AcceptedCall } from '@mcp-router/store'
import { discard } from '@mcp-router/upstream'
import type { Context } from '../downstream/context.js'
import type { Incoming } from '../incoming.js'
import { outcomeUnknown } from '../outcome.js'
import { respondError, respondJson } from '../respond.js'
import { isKnownRetrySafe, isRetrySafe } from '../retry-safe.js'

/**
 * acceptOnce lets a request through to be executed here. Nginx sends a request again, under the same X-Request-Id, when the Instance that
 * had it goes away: what may run twice passes at once, the rest is noted in the Journal first, and what is noted there already is
 * answered from it. False: it was answered, or will be.
 */
export const acceptOnce = (
  context: Context,
  incoming: Incoming,
  backend: Backend,
  message: Message,
): true | Promise<boolean> => {
  if (message.kind !== 'request' || !incoming.mayComeAgain) return true
  return isKnownRetrySafe(context, backend, message) || accept(context, incoming, backend, message)
}

const accept = async (
  context: Context,
  incoming: Incoming,
  backend: Backend,
  message: Message,
): Promise<boolean> => {
  if (await isRetrySafe(context, backend, message).catch(() => false)) return true
  const { instance } = context.deps
  const call = { instance, at: Date.now(), digest: digestOf(incoming, message) }
  // While the store is away for longer than a restart takes, calls go on without it.
  const known = await context.deps.journal.accept(incoming.requestId, call).catch(() => undefined)
  const { requestId } = incoming
  if (incoming.isClosed()) {
    // It was not sent, so that it may be when it comes again.
    if (!known) discard(context.deps.journal.forget(requestId))
    return false
  }
  // Another request that was given the same id: whoever made it up does so for more than one.
  if (known && known.digest !== call.digest) return true
  if (known?.instance === instance && context.calls.join(incoming)) return false
  if (!known || isSame(known, call)) {
    context.calls.begin(incoming, call)
    return true
  }
  if (known.response !== undefined) respondJson(incoming, 200, Buffer.from(known.response))
  else respondError(incoming, outcomeUnknown({ message, requestId, at: known.at }))
  return false
}

/** The store may have taken it although it did not say so in time. */
const isSame = (known: AcceptedCall, call: AcceptedCall): boolean =>
  known.instance === call.instance && known.at === call.at

const digestOf = ({ principal, req }: Incoming, { bytes }: Message): string =>
  createHash('sha256')
    .update(JSON.stringify([principal.name, req.url, req.headers['mcp-session-id'] ?? '']))
    .update(bytes)
    .digest('base64url')
