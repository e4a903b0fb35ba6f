import type { Message } from '@mcp-router/protocol'
import { failureOf } from '../failure.js'
import type { LiveSession } from './live.js'
import type { Reply } from './reply.js'

/** Carrier takes the messages of a batch to the server one by one, whichever way the Session has. */
export interface Carrier {
  /** Sends a request, whose answer goes to its Reply, and waits for nothing. */
  ask(message: Message, reply: Reply): void
  /** Sends what needs no answer. It rejects when it could not be delivered. */
  tell(message: Message): Promise<void>
  /** Waits for the answer of a Reply no longer. */
  release(reply: Reply): void
}

/** ownedCarrier is that of a Session whose Upstream this Instance owns. */
export const ownedCarrier = (backend: string, live: LiveSession): Carrier => ({
  ask(message, reply) {
    live.request(message, reply).catch((error: unknown) => reply.fail(failureOf(backend, error)))
  },
  tell: (message) => live.tell(message),
  release: (reply) => live.release(reply),
})
