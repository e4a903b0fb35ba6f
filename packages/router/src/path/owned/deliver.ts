import type { Message } from '@mcp-router/protocol'
import { SessionLost } from '@mcp-router/upstream'
import type { Upstream } from '@mcp-router/upstream'
import { maxResends, wasNotExecuted } from '../../calls/outcome.js'
import type { Replies } from '../../outlet/replies.js'
import type { Reply } from '../../outlet/reply.js'
import type { LiveHooks } from './live-hooks.js'
import type { UpstreamBinding } from './upstream-binding.js'

/** Sender is a Session that has one Upstream after the other. */
interface Sender {
  readonly hooks: Pick<LiveHooks, 'onMissing' | 'onForgotten'>
  readonly replies: Pick<Replies, 'setAside'>
  readonly binding: UpstreamBinding
  isReady(): boolean
  isMissing(): boolean
  /** Throws where there is no Upstream. */
  connected(): Upstream
}

/** Sending is a request that is being sent. */
export interface Sending {
  readonly reply: Reply
  /** False: it is over, as its client was told, or is sent by another one since. */
  readonly isCurrent: () => boolean
}

/**
 * deliver sends a message, and again where the server forgot the session or was not there: it was not executed then. A request that is not current
 * is sent to no server any more.
 */
export const deliver = async (
  sender: Sender,
  message: Message,
  sending: Sending | undefined,
  onSend: () => void,
): Promise<void> => {
  const { hooks, replies } = sender
  const isCurrent = (): boolean => sending?.isCurrent() ?? true
  const aside = async (work: () => Promise<void>): Promise<void> => {
    const back = sending && replies.setAside(sending.reply)
    try {
      await work()
    } finally {
      back?.()
    }
  }
  if (sender.isMissing()) await aside(() => hooks.onMissing())
  if (isCurrent()) onSend()
  for (let tries = 0; isCurrent(); tries++) {
    const upstream = sender.connected()
    try {
      await sender.binding.send(upstream, message)
      return
    } catch (error) {
      if (!wasNotExecuted(error) || !sender.isReady() || tries >= maxResends) throw error
      // That the session is gone is for the others to know, too.
      if (!isCurrent() && !(error instanceof SessionLost)) return
      await aside(() => hooks.onForgotten(upstream, error))
    }
  }
}
