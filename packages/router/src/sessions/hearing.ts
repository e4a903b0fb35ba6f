import type { Message } from '@mcp-router/protocol'
import type { Upstream, UpstreamListener } from '@mcp-router/upstream'
import { WireIds } from './wire-ids.js'

/** Hearer has one Upstream after the other, and hears the newest only. */
interface Hearer extends UpstreamListener {
  hears(hearing: UpstreamListener): boolean
}

/** Hearing is what one Upstream of a Hearer speaks to, and what ids requests have there. */
export class Hearing implements UpstreamListener {
  readonly ids = new WireIds()
  private readonly hearer: Hearer

  constructor(hearer: Hearer) {
    this.hearer = hearer
  }

  /** send sends a message on the Upstream that this is for. */
  async send(upstream: Upstream, message: Message): Promise<void> {
    const sent = this.ids.sent(message)
    try {
      await upstream.send(sent)
    } catch (error) {
      this.ids.unsent(sent)
      throw error
    }
  }

  onMessage(came: Message, about = ''): void {
    if (!this.hearer.hears(this)) return
    const subject = about && this.ids.own(about)
    const message = this.ids.received(came)
    if (message) this.hearer.onMessage(message, subject)
  }

  onClose(cause: Error | undefined): void {
    if (this.hearer.hears(this)) this.hearer.onClose(cause)
  }
}
