import type { RouterError } from '@mcp-router/core'
import { failureOf } from '../../calls/failure.js'
import { Recovery } from '../../calls/recover.js'
import type { Recovering } from '../../calls/recover.js'
import type { Context } from '../../context.js'
import type { Incoming } from '../../http/incoming.js'
import type { SessionEntry } from '../../sessions/entry.js'
import type { OnBroken } from '../../outlet/reply.js'
import type { Message } from '@mcp-router/protocol'
import type { LiveSession } from './live.js'
import type { PendingCall } from './live-hooks.js'
import { reviveOwned } from './revive.js'

/** What is under way when a server goes away is sent again to the next one if it may run twice; of the rest its client is told. */

/** repeatPassed sees to a request that was answered 202. */
export const repeatPassed = (
  context: Context,
  held: SessionEntry,
  live: LiveSession,
  pending: PendingCall,
  error: RouterError,
): void => {
  const { call, message } = pending
  pending.recovery ??= recoveryOf(context, held, pending)
  const { recovery } = pending
  void repeat(context, held, recovery, error, () => {
    live.pass(message, call, recovery)
    return Promise.resolve()
  }).then((failure) => {
    if (failure) live.pendingCalls.fail(call, failure)
  })
}

/** repeatReply is for a request that has a Reply: what to do when its server went away. */
export const repeatReply = (
  context: Context,
  incoming: Incoming,
  held: SessionEntry,
  live: LiveSession,
  message: Message,
): OnBroken => {
  const { requestId, at } = incoming
  let recovery: Recovery | undefined
  return (error, reply) => {
    live.release(reply)
    recovery ??= recoveryOf(context, held, { message, requestId, at })
    void repeat(context, held, recovery, error, async () => {
      if (!reply.isOver()) await live.request(message, reply)
    }).then((failure) => {
      if (failure) reply.giveUp(failure)
    })
  }
}

const recoveryOf = (
  context: Context,
  { record }: SessionEntry,
  call: Omit<Recovering, 'backend'>,
): Recovery | undefined => {
  const backend = context.deps.registry.snapshot().backends.get(record.backend)
  return backend && new Recovery(context, { ...call, backend })
}

/** repeat resolves with what its client is told, if it was not sent again. */
const repeat = async (
  context: Context,
  held: SessionEntry,
  recovery: Recovery | undefined,
  error: RouterError,
  send: () => Promise<void>,
): Promise<RouterError | undefined> => {
  // Its Backend is gone.
  if (!recovery) return error
  const failure = await new Promise<RouterError | undefined>((resolve) => {
    recovery.after(error, (decision, told) => resolve(decision === 'repeat' ? undefined : told))
  })
  if (failure) return failure
  try {
    await reviveOwned(context, held)
    await send()
    return undefined
  } catch (thrown) {
    return failureOf(held.record.backend, thrown)
  }
}
