import type { Backend, Endpoint } from '@mcp-router/core'
import { scanMessage } from '@mcp-router/protocol'
import type { Message, ModernClaim } from '@mcp-router/protocol'
import { answerOf, mayTryElsewhere } from '@mcp-router/upstream'
import { ModernOutlet } from '../outlet/modern-outlet.js'
import { statusOf } from '../outlet/modern-status.js'
import type { Incoming } from '../http/incoming.js'
import { Recovery } from '../calls/recover.js'
import type { Context } from '../context.js'

/** Modern is a message of revision 2026-07-28 that may go on. */
export interface Modern {
  readonly backend: Backend
  readonly message: Message
  readonly claim: ModernClaim
}

/** passToChannel sends a modern request to a modern server that is a command. */
export const passToChannel = (
  context: Context,
  incoming: Incoming,
  { backend, message }: Modern,
  endpoint: Endpoint,
): void => {
  incoming.endpoint = endpoint.id
  const reply = new ModernOutlet(context, incoming, { backend, message })
  const { requestId, at } = incoming
  const recovery = new Recovery(context, { backend, message, requestId, at }, 0)
  let isLeft = false
  const begin = (): void => {
    const call = context.deps.channels.of(backend, endpoint).request(message, [], {
      onNotification: (notification) => reply.say(notification),
      onResponse: ({ bytes }) => reply.answer(bytes, statusOfAnswer(bytes)),
      onFailed(error) {
        if (mayTryElsewhere(error)) context.selector.failed(endpoint)
        recovery.after(error, (decision, failure) => {
          if (decision !== 'repeat') reply.fail(failure)
          else if (!isLeft) begin()
        })
      },
    })
    reply.whenLeft(() => {
      isLeft = true
      call.abort(incoming.isLate)
    })
  }
  begin()
}

/** Errors are short, and only those that HTTP must know of have a status. */
const longestError = 4_096

const statusOfAnswer = (bytes: Buffer): number => {
  if (bytes.length > longestError || !bytes.includes('"error"')) return 200
  const { error } = answerOf(scanMessage(bytes))
  return error ? statusOf(Number(error['code'])) : 200
}
