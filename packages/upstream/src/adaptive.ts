import type { Endpoint } from '@mcp-router/core'
import { asError, RouterError } from '@mcp-router/core'
import type { Message } from '@mcp-router/protocol'
import { answerOf, namesModern } from './modern/answer.js'
import { mayTryElsewhere } from './failure.js'
import { discard } from './upstream.js'
import type { ContinuedSession, Upstream, UpstreamListener } from './upstream.js'

interface Options {
  /** Opens the Endpoint as one with sessions. */
  readonly openNative: (listener: UpstreamListener) => Promise<Upstream>
  /** Opens a face of the modern server that it turned out to be. */
  readonly openFace: (listener: UpstreamListener) => Upstream
  /** What else is known of the Endpoint when it does not say so itself. Undefined: it is configured as one with sessions. */
  readonly isModern: (() => Promise<boolean>) | undefined
  /** Whether it is of 2024-11-05: then `openNative` opens it as that. */
  readonly isSse: () => Promise<boolean>
  readonly listener: UpstreamListener
}

/**
 * openAdaptive opens an Endpoint whose Era is not known for a client with a session: as it is, for a server of both eras knows best what a
 * session is; and where `initialize` is refused by one that knows no sessions, or answered by a modern one without opening any, as a LegacyFace.
 * Where its Transport is not known either, and `initialize` is refused as by a server of 2024-11-05, it is opened as that.
 */
export const openAdaptive = async (options: Options): Promise<Upstream> => {
  const adaptive = new AdaptiveUpstream(options)
  await adaptive.open()
  return adaptive
}

/** Outcome is what came of `initialize` at the native server; where it opened a session, the listener has the answer already. */
type Outcome =
  | { readonly kind: 'opened' }
  | { readonly kind: 'sessionless'; readonly answer: Message }
  | { readonly kind: 'refused'; readonly answer: Message }
  | { readonly kind: 'failed'; readonly error: Error }
  | { readonly kind: 'closed' }

class AdaptiveUpstream implements Upstream, UpstreamListener {
  private readonly options: Options
  private inner: Upstream | undefined
  /** Set while `initialize` waits. */
  private settle: ((outcome: Outcome) => void) | undefined
  private initializeId = ''
  private swapped = false
  private closed = false
  /** Set while what came of `initialize` is judged: the end of the native one is told after that, or concerns nobody. */
  private judging = false
  private ended: { readonly cause: Error | undefined } | undefined

  constructor(options: Options) {
    this.options = options
  }

  async open(): Promise<void> {
    this.inner = await this.options.openNative(this)
  }

  send(message: Message): Promise<void> {
    return message.method === 'initialize' && !this.swapped
      ? this.initialize(message)
      : this.current().send(message)
  }

  pass(message: Message, onFailed: (error: Error) => void): void {
    if (message.method !== 'initialize') {
      this.current().pass(message, onFailed)
      return
    }
    this.send(message).catch((thrown: unknown) => onFailed(asError(thrown)))
  }

  cancel(id: string, isLate?: boolean): void {
    this.current().cancel(id, isLate)
  }

  listen(): void {
    this.current().listen()
  }

  heard(): Promise<void> {
    return this.current().heard?.() ?? Promise.resolve()
  }

  use(endpoint: Endpoint): void {
    this.current().use?.(endpoint)
  }

  close(): Promise<void> {
    this.closed = true
    return this.current().close()
  }

  session(): ContinuedSession | undefined {
    return this.inner?.session?.()
  }

  detach(): Promise<void> {
    this.closed = true
    const inner = this.current()
    return inner.detach?.() ?? inner.close()
  }

  onMessage(message: Message, about?: string): void {
    if (this.settle && message.kind === 'response' && message.id === this.initializeId) {
      if (answerOf(message).error) {
        this.settle({ kind: 'refused', answer: message })
        return
      }
      if (this.inner?.isSessionless?.()) {
        this.settle({ kind: 'sessionless', answer: message })
        return
      }
      this.settle({ kind: 'opened' })
    }
    this.options.listener.onMessage(message, about)
  }

  onClose(cause: Error | undefined): void {
    // Where a face took the native one's place, its end concerns nobody.
    if (this.swapped) return
    if (this.judging) this.ended = { cause }
    if (this.settle) this.settle({ kind: 'closed' })
    else if (!this.judging) this.options.listener.onClose(cause)
  }

  private async initialize(message: Message): Promise<void> {
    this.judging = true
    const outcome = await new Promise<Outcome>((resolve) => {
      this.initializeId = message.id
      this.settle = resolve
      this.current()
        .send(message)
        .catch((thrown: unknown) => resolve({ kind: 'failed', error: asError(thrown) }))
    })
    this.settle = undefined
    try {
      const next = outcome.kind === 'opened' ? undefined : await this.successor(outcome)
      if (next) {
        await this.swap(message, next)
        return
      }
      if ('answer' in outcome) this.options.listener.onMessage(outcome.answer, message.id)
      if (outcome.kind === 'failed') throw outcome.error
    } finally {
      this.judging = false
      if (this.ended && !this.swapped) this.options.listener.onClose(this.ended.cause)
    }
  }

  /** successor is what the Endpoint should be opened as instead. */
  private async successor(outcome: Outcome): Promise<Upstream | undefined> {
    const { openFace, openNative, isSse, listener } = this.options
    if (await this.turnedOutModern(outcome)) return this.closed ? undefined : openFace(listener)
    const isRefused =
      outcome.kind === 'refused' || (outcome.kind === 'failed' && isBadAnswer(outcome.error))
    if (!isRefused || !(await isSse()) || this.closed) return undefined
    return openNative(listener)
  }

  private async turnedOutModern(outcome: Outcome): Promise<boolean> {
    const { isModern } = this.options
    if (!isModern) return false
    if (outcome.kind === 'refused' && namesModern(outcome.answer)) return true
    // It had its time: to ask once more would take as long again.
    const { cause } = this.ended ?? {}
    if (outcome.kind === 'closed' && cause instanceof RouterError && cause.data['late'] === true)
      return false
    // What never arrived says nothing.
    if (outcome.kind === 'failed' && mayTryElsewhere(outcome.error)) return false
    return isModern().catch(() => false)
  }

  private async swap(message: Message, next: Upstream): Promise<void> {
    this.swapped = true
    const native = this.inner
    this.inner = next
    if (native) discard(native.close())
    if (this.closed) await next.close()
    await next.send(message)
  }

  private current(): Upstream {
    if (!this.inner) throw new Error('the upstream is not open yet')
    return this.inner
  }
}

const isBadAnswer = (error: Error): boolean =>
  error instanceof RouterError && error.code === 'UPSTREAM_BAD_ANSWER'
