import type { Session } from '@mcp-router/core'
import type { Message } from '@mcp-router/protocol'
import { discard } from '@mcp-router/upstream'
import type { Incoming } from '../http/incoming.js'
import type { HeldSession } from '../sessions/held.js'

/** An Instance remembers so many messages that it took: a message comes again at once or never. */
const maxTaken = 1_000

/**
 * Taken are the requests of 2024-11-05 clients that this Instance took lately. Whoever passes a request on sends it again, under the same
 * X-Request-Id, when the Instance on the way to the Owner goes away, or the Owner itself, whose successor has seen to it. It must not run twice, and
 * is answered 202 when the first one is. Nothing else tells that: a client may use one JSON-RPC id for all its requests.
 */
export class Taken {
  private readonly all = new Map<string, Promise<void>>()

  /** before finds what becomes of a request that was taken before; undefined: it is new. */
  before(
    incoming: Incoming,
    { live, record }: HeldSession,
    message: Message,
  ): Promise<void> | undefined {
    const name = nameOf(incoming, record, message)
    if (name === undefined) return undefined
    const call = { callId: incoming.requestId, requestId: message.id }
    return live?.debts.hasInherited(call) ? Promise.resolve() : this.all.get(name)
  }

  /** note notes that a request is being taken. */
  note(
    incoming: Incoming,
    { record }: HeldSession,
    message: Message,
    accepting: Promise<void>,
  ): void {
    const name = nameOf(incoming, record, message)
    if (name === undefined) return
    discard(accepting)
    this.all.set(name, accepting)
    const [oldest] = this.all.keys()
    if (this.all.size > maxTaken && oldest !== undefined) this.all.delete(oldest)
  }
}

const nameOf = (
  { requestId: callId, mayComeAgain }: Incoming,
  { id: session }: Session,
  { kind, id }: Message,
): string | undefined =>
  kind === 'request' && mayComeAgain ? `${callId} ${session} ${id}` : undefined
