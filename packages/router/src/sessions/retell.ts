import type { Context } from '../downstream/context.js'
import type { HeldSession } from './held.js'
import type { LiveSession } from './live.js'
import { forgetPaid, owedOf } from './owed.js'

const turns = new WeakMap<LiveSession, object>()

/**
 * retell tells a client of 2024-11-05 that came back the answers of the last moments once more: nobody knows which of them reached it, and it
 * ignores those that it has. `waited` had waited for it and were told just now.
 */
export const retell = async (
  context: Context,
  held: HeldSession,
  live: LiveSession,
  waited: ReadonlySet<string>,
): Promise<void> => {
  const turn = {}
  turns.set(live, turn)
  const owed = await owedOf(context, held.record)
  if (turns.get(live) !== turn) return
  for (const message of owed) {
    if (message.kind === 'response' && !waited.has(message.id)) live.toStream(message)
  }
}

/** beginAnew is for a client that initializes again, a new process under the same name, say: what an earlier one was told is none of its business. */
export const beginAnew = ({ told }: Context, { record }: HeldSession, live: LiveSession): void => {
  turns.delete(live)
  forgetPaid(live)
  told.forget(record.id)
}
