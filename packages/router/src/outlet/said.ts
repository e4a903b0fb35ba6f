import { isStrayProgress, progressTokenOf } from '@mcp-router/protocol'
import type { Message } from '@mcp-router/protocol'
import { messageOf, readEvent } from '@mcp-router/upstream'

/** saidIn reads what an Endpoint says in an event of the stream for `message`. On a stream of no call, what is no message is skipped (undefined). */
export const saidIn = (
  backend: string,
  data: Buffer,
  message: Message | undefined,
): Message | undefined => (message ? readEvent(backend, data) : messageOf(backend, data))

/**
 * isStray tells of progress that nobody waits for: of another request, or behind the response (`isAnswered`). On a GET stream it may belong to a call
 * of any Instance.
 */
export const isStray = (
  said: Message,
  message: Message | undefined,
  isAnswered: boolean,
): boolean => {
  const isOwn = (token: string): boolean =>
    message?.kind !== 'request' || token === progressTokenOf(message)
  return isStrayProgress(said, (token) => !isAnswered && isOwn(token))
}
