import type { RouterError } from '@mcp-router/core'
import type { Message } from '@mcp-router/protocol'
import type { Context } from '../../context.js'
import { failureOf } from '../../calls/failure.js'
import type { Incoming } from '../../http/incoming.js'
import { afterBreak } from '../../calls/after-break.js'
import type { HeldSession } from '../../sessions/held.js'
import type { LiveSession } from './live.js'
import type { Pending } from './live-hooks.js'
import type { OnBroken } from '../../outlet/reply.js'
import { reviveOwned } from './revive.js'

/** What is under way when a server goes away is sent again to the next one if it may run twice; of the rest its client is told. */

/** repeatPassed sees to a request that was answered 202. */
export const repeatPassed = async (
  context: Context,
  held: HeldSession,
  live: LiveSession,
  { call, message, repeats, at }: Pending,
  error: RouterError,
): Promise<void> => {
  const told = await repeat(context, held, { message, repeats, at, error }, () => {
    live.pass(message, call, repeats + 1)
    return Promise.resolve()
  })
  if (told) live.debts.fail(call, told)
}

/** repeatReply is for a request that has a Reply: what to do when its server went away. */
export const repeatReply = (
  context: Context,
  incoming: Incoming,
  held: HeldSession,
  live: LiveSession,
  message: Message,
): OnBroken => {
  let repeats = 0
  const { requestId, at } = incoming
  return (error, reply) => {
    live.release(reply)
    void repeat(context, held, { message, requestId, at, error, repeats }, async () => {
      repeats++
      if (!reply.isOver()) await live.request(message, reply)
    }).then((told) => {
      if (told) reply.giveUp(told)
    })
  }
}

interface Lost {
  readonly message: Message
  readonly requestId?: string
  readonly at: number
  readonly error: RouterError
  readonly repeats: number
}

/** repeat resolves with what is to be told, if it was not sent again. */
const repeat = async (
  context: Context,
  held: HeldSession,
  lost: Lost,
  send: () => Promise<void>,
): Promise<RouterError | undefined> => {
  const backend = context.deps.registry.snapshot().backends.get(held.record.backend)
  if (!backend) return lost.error
  const told = await afterBreak(context, { ...lost, backend })
  if (told) return told
  try {
    await reviveOwned(context, held)
    await send()
    return undefined
  } catch (error) {
    return failureOf(backend.name, error)
  }
}
