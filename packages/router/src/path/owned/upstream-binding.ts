import { randomUUID } from 'node:crypto'
import type { Message } from '@mcp-router/protocol'
import type { Upstream, UpstreamListener } from '@mcp-router/upstream'
import { wasNotExecuted } from '../../calls/outcome.js'
import { backendSessionOf } from './backend-session.js'
import type { BackendSession } from './backend-session.js'
import { marked, unmarked } from '../../sessions/question-id.js'
import { WireIds } from './wire-ids.js'

/** BindingOwner has one Upstream after the other, and takes messages of the newest only. */
interface BindingOwner extends UpstreamListener {
  isBoundTo(binding: UpstreamListener): boolean
  backendSession(): BackendSession
}

/** An Upstream that takes no more messages ends within this, most of the time, ms. */
const lastWordsMs = 1_000

/** UpstreamBinding is the listener of one Upstream of its owner, and what ids requests have there. */
export class UpstreamBinding implements UpstreamListener {
  readonly ids = new WireIds()
  /** Names the session at the server where that is the connection. */
  private readonly name = randomUUID()
  private readonly owner: BindingOwner
  private readonly waiters: (() => void)[] = []

  constructor(owner: BindingOwner) {
    this.owner = owner
  }

  /** send sends a message on the Upstream that this is for. */
  async send(upstream: Upstream, message: Message): Promise<void> {
    const own = message.kind === 'response' ? this.towardsServer(upstream, message) : message
    // Whoever asked that is gone.
    if (!own) return
    const sent = this.ids.sent(own)
    try {
      await upstream.send(sent)
    } catch (error) {
      if (wasNotExecuted(error)) this.ids.unsent(sent)
      else this.ids.abandoned(sent)
      throw error
    }
  }

  onMessage(came: Message, about = ''): void {
    if (!this.owner.isBoundTo(this)) return
    const subject = about && this.ids.own(about)
    const message = this.ids.received(came)
    if (message) this.owner.onMessage(this.towardsClient(message), subject)
  }

  /** release says that its Upstream sends nothing any more. Idempotent. */
  release(): void {
    for (const waiter of this.waiters.splice(0)) waiter()
  }

  /** untilReleased resolves then, or after `lastWordsMs`. */
  untilReleased(): Promise<void> {
    return new Promise((resolve) => {
      const late = setTimeout(resolve, lastWordsMs)
      this.waiters.push(() => {
        clearTimeout(late)
        resolve()
      })
    })
  }

  private towardsServer(upstream: Upstream, answer: Message): Message | undefined {
    return unmarked(answer, this.name, backendSessionOf(upstream).backendSessionId)
  }

  private towardsClient(message: Message): Message {
    if (message.kind === 'response') return message
    return marked(message, this.owner.backendSession().backendSessionId || this.name)
  }

  onClose(cause: Error | undefined): void {
    if (this.owner.isBoundTo(this)) this.owner.onClose(cause)
  }
}
