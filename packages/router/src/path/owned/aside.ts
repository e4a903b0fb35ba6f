import type { PendingCalls } from './pending-calls.js'
import type { Replies } from '../../outlet/replies.js'

/** aside does something for a message that no server has taken: what happens meanwhile to the calls under way does not happen to this one. */
export const aside = async (
  id: string,
  replies: Replies | undefined,
  debts: PendingCalls,
  work: () => Promise<void>,
): Promise<void> => {
  const putBack = replies?.setAside(id)
  const pending = debts.take(id)
  try {
    await work()
  } finally {
    putBack?.()
    if (pending) debts.add(pending)
  }
}
