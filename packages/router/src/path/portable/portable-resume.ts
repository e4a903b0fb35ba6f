import type { Context } from '../../context.js'
import type { Incoming } from '../../http/incoming.js'
import { respondError } from '../../http/respond.js'
import type { SessionEntry } from '../../sessions/entry.js'
import { PortableCall } from './portable-call.js'
import { PortableOutlet } from './portable-outlet.js'
import { unknownEvent } from '../../streams/replays.js'
import type { ForeignEvent } from '../../streams/replays.js'
import { resume } from '../../streams/resume.js'
import { succeed } from '../../streams/streamed.js'

/**
 * resumePortable carries on the stream of a call that some Instance numbered: from its memory where it is alive, else from the CallLog: the
 * answer if it is there, the call once more if it may run twice, or what is known. An event of another Session is refused.
 */
export const resumePortable = async (
  context: Context,
  incoming: Incoming,
  held: SessionEntry,
  lastEventId: string,
  event: ForeignEvent,
): Promise<void> => {
  const { id } = held.record
  const instance = context.portableReplays.instanceOf(id, event.instance ?? '')
  if (instance === undefined) throw unknownEvent()
  const place = context.portableReplays.find(id, lastEventId)
  if (place) {
    resume(context, incoming, held, place)
    return
  }
  const answer = (): void => {
    succeed(context, incoming, held, event, (message) => {
      const outlet = new PortableOutlet(context, incoming, held, message)
      const call = new PortableCall(context, incoming, held, message, outlet)
      outlet.source = call
      outlet.resume()
      call.start()
    }).catch((error: unknown) => respondError(incoming, error))
  }
  const isElsewhere = instance !== context.deps.instance && !incoming.handedOff
  const holder = isElsewhere ? await context.handoff.find(instance) : undefined
  if (!holder) answer()
  else context.handoff.passBack(incoming, holder, undefined, { unreachable: answer, lost: answer })
}
