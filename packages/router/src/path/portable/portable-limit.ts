import { cancelledMessage, discard, post } from '@mcp-router/upstream'
import type { Message } from '@mcp-router/protocol'
import type { RouterError } from '@mcp-router/core'
import { watchSilence } from '../../calls/call-deadline.js'
import type { Activity, Silence } from '../../calls/silence.js'
import type { Context } from '../../context.js'
import type { SessionEntry } from '../../sessions/entry.js'

/**
 * limitPortable gives the server of a portable Session the time for a message that its Backend has, and cancels a call after it. What it returns is to
 * be taken out of the deadlines when the call is over; undefined: there is no limit.
 */
export const limitPortable = (
  { deps, deadlines }: Context,
  held: SessionEntry,
  message: Message | undefined,
  activity: Activity,
  onPassed: (error: RouterError) => void,
): Silence | undefined => {
  const backend = deps.registry.snapshot().backends.get(held.record.backend)
  if (!backend || !message) return undefined
  return watchSilence(deadlines, activity, backend, (error) => {
    onPassed(error)
    if (message.kind !== 'request') return
    const body = cancelledMessage(message.id).bytes
    // It may have been replaced by a command meanwhile.
    if (held.endpoint.transport !== 'http') return
    const { url } = held.endpoint
    discard(post(deps.client, url, { method: 'POST', headers: held.postHeaders, body }).answer)
  })
}
