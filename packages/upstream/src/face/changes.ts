import type { ClientFace, Message } from '@mcp-router/protocol'
import { modernParams, scanMessage } from '@mcp-router/protocol'
import type { ModernCall, ModernChannel } from '../modern/channel.js'
import { sendModern } from '../modern/send.js'
import { untagged } from '../modern/subscription-id.js'

type Json = Readonly<Record<string, unknown>>

interface Options {
  readonly channel: ModernChannel
  readonly client: () => ClientFace
  /** Hears the notifications, as a session has them. */
  readonly onChange: (message: Message) => void
}

const firstPauseMs = 1_000
const longestPauseMs = 30_000
/** How long the server may take to acknowledge, ms. */
const acknowledgeMs = 5_000

/**
 * Changes keeps one `subscriptions/listen` open at a modern server (2026-07-28, subscriptions) for as long as a session wants to know of
 * anything, and opens it anew when what is wanted changes, or when it ends.
 */
export class Changes {
  private readonly options: Options
  private wanted: Json = {}
  private uris: readonly string[] = []
  private call: ModernCall | undefined
  private pauseMs = firstPauseMs
  private again: NodeJS.Timeout | undefined
  private closed = false

  constructor(options: Options) {
    this.options = options
  }

  /** want says which lists matter, by the members of a listen filter. */
  want(lists: Json): void {
    this.wanted = lists
    if (!this.isEmpty()) void this.open()
  }

  /** watch says which resources matter. It resolves once the server knows, or did not say so for a while. */
  async watch(uris: readonly string[]): Promise<void> {
    this.uris = uris
    await this.open()
  }

  close(): void {
    this.closed = true
    clearTimeout(this.again)
    this.call?.abort()
  }

  private isEmpty(): boolean {
    return Object.keys(this.wanted).length === 0 && this.uris.length === 0
  }

  /** open replaces the listen: the new one is there before the old one goes, so that nothing falls between. */
  private open(): Promise<void> {
    clearTimeout(this.again)
    const previous = this.call
    this.call = undefined
    if (this.closed || this.isEmpty()) {
      previous?.abort()
      return Promise.resolve()
    }
    return new Promise((resolve) => {
      const known = (): void => {
        clearTimeout(tooLong)
        previous?.abort()
        resolve()
      }
      const tooLong = setTimeout(known, acknowledgeMs)
      const ended = (): void => {
        known()
        if (this.call === call) this.openLater()
      }
      const call = this.send(known, ended)
      this.call = call
    })
  }

  private send(onKnown: () => void, onEnded: () => void): ModernCall {
    const { channel, client, onChange } = this.options
    const notifications = {
      ...this.wanted,
      ...(this.uris.length > 0 && { resourceSubscriptions: this.uris }),
    }
    const params = { ...modernParams(undefined, client()), notifications }
    return sendModern(
      channel,
      { method: 'subscriptions/listen', params },
      {
        onNotification: (message) => {
          if (message.method !== 'notifications/subscriptions/acknowledged') {
            onChange(scanMessage(untagged(message)))
            return
          }
          this.pauseMs = firstPauseMs
          onKnown()
        },
        onResponse: onEnded,
        onFailed: onEnded,
      },
    )
  }

  private openLater(): void {
    this.call = undefined
    if (this.closed) return
    this.again = setTimeout(() => void this.open(), this.pauseMs)
    this.again.unref()
    this.pauseMs = Math.min(this.pauseMs * 2, longestPauseMs)
  }
}
