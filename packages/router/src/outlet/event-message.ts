import { isStrayProgress, progressTokenOf } from '@mcp-router/protocol'
import type { Message } from '@mcp-router/protocol'
import { messageOf, readEvent } from '@mcp-router/upstream'

/** readEventMessage reads the message in an event of the stream for `message`. On a stream of no call, an invalid message is skipped (undefined). */
export const readEventMessage = (
  backend: string,
  data: Buffer,
  message: Message | undefined,
): Message | undefined => (message ? readEvent(backend, data) : messageOf(backend, data))

/**
 * isStray is true for progress of another request, and for progress after the response (`isAnswered`). On a GET stream, progress may belong to a call of
 * any Instance.
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
