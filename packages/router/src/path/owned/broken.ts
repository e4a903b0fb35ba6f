import type { RouterError } from '@mcp-router/core'
import { failureOf } from '../../calls/failure.js'
import { Recovery } from '../../calls/recover.js'
import type { Recovering } from '../../calls/recover.js'
import type { Context } from '../../context.js'
import type { OnBroken } from '../../outlet/reply.js'
import type { SessionEntry } from '../../sessions/entry.js'
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
    const sendOn = live.replies.setAside(reply)
    // The same request came more than once: it is seen to once.
    if (!sendOn) return
    const giveUp = (told: RouterError): void => live.replies.giveUp(reply, told)
    const repeat = async (): Promise<void> => {
      await reviveOwned(context, entry)
      sendOn()
      await live.sendFor(reply, call.message)
    }
    recovery ??= new Recovery(context, { ...call, backend })
    recovery.after(error, (decision, told) => {
      if (decision !== 'repeat') giveUp(told)
      else if (live.replies.isAwaited(reply))
        repeat().catch((thrown: unknown) => giveUp(failureOf(entry.record.backend, thrown)))
    })
  }
}
