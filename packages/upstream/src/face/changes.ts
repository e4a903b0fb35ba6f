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
/** A listen that held so long ended by chance: the next pause is the first again. */
const longestPauseMs = 30_000
/** How long the server may take to acknowledge, ms. */
const acknowledgeMs = 5_000

/** Listening is one listen, open or about to be. */
interface Listening {
  end(): void
}

/**
 * Changes keeps one `subscriptions/listen` open at a modern server (2026-07-28, subscriptions) for as long as a session wants to know of
 * anything, and opens it anew when what is wanted changes, or when it ends.
 */
export class Changes {
  private readonly options: Options
  private wanted: Json = {}
  private uris: readonly string[] = []
  private listening: Listening | undefined
  private pauseMs = firstPauseMs
  private again: NodeJS.Timeout | undefined
  private closed = false

  constructor(options: Options) {
    this.options = options
  }

  /** want says which lists matter, by the members of a listen filter. */
  want(lists: Json): void {
    if (this.listening && JSON.stringify(lists) === JSON.stringify(this.wanted)) return
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
    this.listening?.end()
  }

  private isEmpty(): boolean {
    return Object.keys(this.wanted).length === 0 && this.uris.length === 0
  }

  /** open replaces the listen: the new one is there before the old one goes, so that nothing falls between. */
  private open(): Promise<void> {
    clearTimeout(this.again)
    let previous = this.listening
    this.listening = undefined
    if (this.closed || this.isEmpty()) {
      previous?.end()
      return Promise.resolve()
    }
    return new Promise((resolve) => {
      const openedAt = Date.now()
      // Whoever waits for this one has it, too, when a later one takes its place.
      const known = (): void => {
        clearTimeout(tooLong)
        previous?.end()
        previous = undefined
        resolve()
      }
      const tooLong = setTimeout(known, acknowledgeMs)
      const ended = (): void => {
        known()
        if (this.listening === listening) this.openLater(Date.now() - openedAt)
      }
      const call = this.send(known, ended)
      const listening = {
        end(): void {
          call.abort()
          known()
        },
      }
      this.listening = listening
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
          if (message.method === 'notifications/subscriptions/acknowledged') onKnown()
          else onChange(scanMessage(untagged(message)))
        },
        onResponse: onEnded,
        onFailed: onEnded,
      },
    )
  }

  /** A server may acknowledge and end at once, having nothing to tell: only a listen that held is no reason to wait longer. */
  private openLater(heldMs: number): void {
    this.listening = undefined
    if (this.closed) return
    if (heldMs >= longestPauseMs) this.pauseMs = firstPauseMs
    this.again = setTimeout(() => void this.open(), this.pauseMs)
    this.again.unref()
    this.pauseMs = Math.min(this.pauseMs * 2, longestPauseMs)
  }
}
