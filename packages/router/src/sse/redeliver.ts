import type { Context } from '../context.js'
import type { SessionEntry } from '../sessions/entry.js'
import type { LiveSession } from '../path/owned/live.js'
import { parseEntries, awaitCallLog } from './pending.js'
import type { LoggedMessage } from './pending.js'
import type { Stream } from '../outlet/stream.js'

/**
 * redeliver delivers the responses of the last moments once more on the Stream of a client of 2024-11-05 that came back: nobody knows which of
 * them reached it, and it ignores those that it has. `known` (entries) it has, or they were delivered just now.
 */
export const redeliver = async (
  context: Context,
  held: SessionEntry,
  live: LiveSession,
  stream: Stream,
  known: ReadonlySet<string>,
): Promise<void> => {
  const { outlet, replays } = live
  const delivered = new Set(known)
  const deliver = (logged: readonly LoggedMessage[]): void => {
    if (!replays.standalone.isOn(stream)) return
    for (const { call, message } of logged) {
      if (message.kind !== 'response' || delivered.has(call.entry)) continue
      // Its client has used the id for another request since: it would take this for the response to that one.
      if (!outlet.isCurrent(call) || outlet.isSuperseded(call)) continue
      delivered.add(call.entry)
      replays.standalone.say(message.bytes, call.entry)
    }
  }
  // A store that is away may be so for long.
  deliver(parseEntries(context.deps.callLog.unwritten(held.record.id), live))
  deliver(await awaitCallLog(context, held.record, live))
}

/**
 * restartConversation is for a client that initializes once more on the same Stream: nothing of the conversation before is repeated or delivered from now
 * on. It rejects with STORE_UNAVAILABLE where the store cannot be told: a later Owner would go on with it.
 */
export const restartConversation = async (
  { deps, callLog }: Context,
  { record }: SessionEntry,
  live: LiveSession,
): Promise<void> => {
  live.outlet.restart()
  callLog.dropDelivered(record)
  const logged = await deps.callLog.entries(record.id)
  const entries = logged.map(({ entry }) => entry)
  await deps.callLog.drop(record.id, record.epoch, entries)
}
