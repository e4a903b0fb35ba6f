import type { Session } from '@mcp-router/core'
import type { Message } from '@mcp-router/protocol'
import { discard } from '@mcp-router/upstream'
import type { Incoming } from '../http/incoming.js'
import type { SessionEntry } from '../sessions/entry.js'

/** How many requests an Instance remembers: a request is resent at once or never. */
const maxRequests = 1_000

/**
 * RecentRequests are the requests of 2024-11-05 clients that this Instance accepted lately. Nginx, or an Instance on the way to the Owner, resends a
 * request under the same X-Request-Id when its next hop fails, or the Owner itself, whose successor has handled it. It must not run twice, and gets
 * its 202 when the first one does. The JSON-RPC id does not identify it: a client may use one id for all its requests.
 */
export class RecentRequests {
  private readonly all = new Map<string, Promise<void>>()

  /** find returns the promise of a request that was accepted before; undefined: it is new. */
  find(
    incoming: Incoming,
    { live, record }: SessionEntry,
    message: Message,
  ): Promise<void> | undefined {
    const name = nameOf(incoming, record, message)
    if (name === undefined) return undefined
    const call = { callId: incoming.requestId, requestId: message.id }
    return live?.outlet.hasInherited(call) ? Promise.resolve() : this.all.get(name)
  }

  /** note records that a request is being accepted. */
  note(
    incoming: Incoming,
    { record }: SessionEntry,
    message: Message,
    accepting: Promise<void>,
  ): void {
    const name = nameOf(incoming, record, message)
    if (name === undefined) return
    discard(accepting)
    this.all.set(name, accepting)
    const [oldest] = this.all.keys()
    if (this.all.size > maxRequests && oldest !== undefined) this.all.delete(oldest)
  }
}

const nameOf = (
  { requestId: callId, mayComeAgain }: Incoming,
  { id: session }: Session,
  { kind, id }: Message,
): string | undefined =>
  kind === 'request' && mayComeAgain ? `${callId} ${session} ${id}` : undefined
