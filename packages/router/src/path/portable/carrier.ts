import type { Message } from '@mcp-router/protocol'
import type { Context } from '../../context.js'
import { failureOf } from '../../calls/failure.js'
import type { Incoming } from '../../http/incoming.js'
import { repeatReply } from '../owned/broken.js'
import type { HeldSession } from '../../sessions/held.js'
import { liveOf } from '../owned/owned.js'
import type { OnBroken, Reply } from '../../outlet/reply.js'

/** Carrier takes the messages of a batch to the server one by one, whichever way the Session has. */
export interface Carrier {
  /** Sends a request, whose answer goes to its Reply, and waits for nothing. */
  ask(message: Message, reply: Reply): void
  /** What becomes of a request when its server goes away; a Carrier that sends it again by itself has none. */
  onBroken?(message: Message): OnBroken
  /** Sends what needs no answer. It rejects when it could not be delivered. */
  tell(message: Message): Promise<void>
  /** Waits for the answer of a Reply no longer. */
  release(reply: Reply): void
}

/** ownedCarrier is that of a Session whose Upstream this Instance owns. */
export const ownedCarrier = (context: Context, incoming: Incoming, held: HeldSession): Carrier => {
  const live = liveOf(held)
  const { backend } = held.record
  return {
    ask(message, reply) {
      live.request(message, reply).catch((error: unknown) => reply.fail(failureOf(backend, error)))
    },
    onBroken: (message) => repeatReply(context, incoming, held, live, message),
    tell: (message) => live.tell(message),
    release: (reply) => live.release(reply),
  }
}
