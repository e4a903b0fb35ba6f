import { scanMessage } from '@mcp-router/protocol'
import { discard } from '@mcp-router/upstream'
import type { Context } from '../downstream/context.js'
import type { Incoming } from '../incoming.js'
import { respondError } from '../respond.js'
import { isRetrySafe } from '../retry-safe.js'
import type { HeldSession } from './held.js'
import { PortableRelay } from './portable-relay.js'
import { instanceOf } from './portable-replays.js'
import type { ForeignEvent } from './replays.js'
import { resume, tellOn, unknownAnswer } from './resume.js'

/**
 * resumePortable carries on the stream of a call that some Instance numbered: from its memory where it is alive, else from the Journal: the
 * answer if it is there, the call once more if it may run twice, or what is known.
 */
export const resumePortable = async (
  context: Context,
  incoming: Incoming,
  held: HeldSession,
  lastEventId: string,
  event: ForeignEvent,
): Promise<void> => {
  const { id } = held.record
  const place = context.portableReplays.find(id, lastEventId)
  if (place) {
    resume(context, incoming, held, place)
    return
  }
  const succeed = (): void => {
    payBack(context, incoming, held, event).catch((error: unknown) => respondError(incoming, error))
  }
  const instance = instanceOf(event.instance ?? '')
  const isElsewhere = instance !== context.deps.instance && !incoming.handedOff
  const holder = isElsewhere ? await context.handoff.find(instance) : undefined
  if (!holder) succeed()
  else context.handoff.passTo(incoming, holder, undefined, { unreachable: succeed, lost: succeed })
}

const payBack = async (
  context: Context,
  incoming: Incoming,
  held: HeldSession,
  { requestId = '' }: ForeignEvent,
): Promise<void> => {
  const { deps } = context
  const { id, backend: name } = held.record
  const owed = (await deps.journal.owed(id)).find((each) => each.requestId === requestId)
  const message = owed && scanMessage(Buffer.from(owed.body))
  const backend = deps.registry.snapshot().backends.get(name)
  if (message?.kind === 'request' && backend && (await isRetrySafe(context, backend, message))) {
    incoming.reads(message)
    new PortableRelay(context, incoming, held, message).resume()
    return
  }
  discard(deps.journal.settle(id, requestId))
  const isAnswer = message?.kind === 'response'
  tellOn(context, incoming, held, isAnswer ? message.bytes : unknownAnswer(requestId, message))
}
