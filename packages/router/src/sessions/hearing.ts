import type { Message } from '@mcp-router/protocol'
import type { UpstreamListener } from '@mcp-router/upstream'

/** Hearer has one Upstream after the other, and hears the newest only. */
interface Hearer extends UpstreamListener {
  hears(hearing: UpstreamListener): boolean
}

/** Hearing is what one Upstream of a Hearer speaks to. */
export class Hearing implements UpstreamListener {
  private readonly hearer: Hearer

  constructor(hearer: Hearer) {
    this.hearer = hearer
  }

  onMessage(message: Message, about?: string): void {
    if (this.hearer.hears(this)) this.hearer.onMessage(message, about)
  }

  onClose(cause: Error | undefined): void {
    if (this.hearer.hears(this)) this.hearer.onClose(cause)
  }
}
