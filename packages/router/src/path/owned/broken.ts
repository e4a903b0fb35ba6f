import type { Message } from '@mcp-router/protocol'
import { failureOf } from '../../calls/failure.js'
import { Recovery } from '../../calls/recover.js'
import type { Recovering } from '../../calls/recover.js'
import type { Context } from '../../context.js'
import type { OnBroken, RepeatableReply } from '../../outlet/reply.js'
import type { SessionEntry } from '../../sessions/entry.js'
import type { LiveSession } from './live.js'
import { reviveOwned } from './revive.js'

/**
 * repeatOwned is what to do with a request when its server goes away with it: it is sent again to the next one if it may run twice; else its
 * client is told. `held` finds its Session, which may have gone meanwhile.
 */
export const repeatOwned = (
  context: Context,
  held: () => SessionEntry | undefined,
  call: Omit<Recovering, 'backend'>,
): OnBroken => {
  let recovery: Recovery | undefined
  return (error, reply) => {
    const entry = held()
    const live = entry?.live
    const backend = entry && context.deps.registry.snapshot().backends.get(entry.record.backend)
    if (!live || !backend) {
      reply.giveUp(error)
      return
    }
    live.release(reply)
    recovery ??= new Recovery(context, { ...call, backend })
    recovery.after(error, (decision, told) => {
      if (decision === 'repeat') void repeat(context, entry, live, call.message, reply)
      else reply.giveUp(told)
    })
  }
}

const repeat = async (
  context: Context,
  held: SessionEntry,
  live: LiveSession,
  message: Message,
  reply: RepeatableReply,
): Promise<void> => {
  try {
    await reviveOwned(context, held)
    if (!reply.isOver()) await live.request(message, reply)
  } catch (thrown) {
    reply.giveUp(failureOf(held.record.backend, thrown))
  }
}
