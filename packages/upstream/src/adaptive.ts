import type { Message } from '@mcp-router/protocol'
import { isRecord, modernRevisions } from '@mcp-router/protocol'
import { answerOf } from './modern/answer.js'
import { mayTryElsewhere } from './pool/pool.js'
import { discard } from './upstream.js'
import type { Upstream, UpstreamListener } from './upstream.js'

interface Options {
  /** Opens the Endpoint as one with sessions. */
  readonly openNative: (listener: UpstreamListener) => Promise<Upstream>
  /** Opens a face of the modern server that it turned out to be. */
  readonly openFace: (listener: UpstreamListener) => Upstream
  /** What else is known of the Endpoint when it does not say so itself. */
  readonly isModern: () => Promise<boolean>
  readonly listener: UpstreamListener
}

/**
 * openAdaptive opens an Endpoint whose Era is not known for a client with a session: as it is, for a server of both eras knows best what a
 * session is; and where `initialize` is refused by one that knows no sessions, as a LegacyFace.
 */
export const openAdaptive = async (options: Options): Promise<Upstream> => {
  const adaptive = new AdaptiveUpstream(options)
  await adaptive.open()
  return adaptive
}

/** Outcome is what came of `initialize` at the native server; where it was answered, the listener has the answer already. */
type Outcome =
  | { readonly kind: 'answered' }
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

  cancel(id: string): void {
    this.current().cancel(id)
  }

  listen(): void {
    this.current().listen()
  }

  close(): Promise<void> {
    this.closed = true
    return this.current().close()
  }

  onMessage(message: Message, about?: string): void {
    if (this.settle && message.kind === 'response' && message.id === this.initializeId) {
      const { error } = answerOf(message)
      this.settle(error ? { kind: 'refused', answer: message } : { kind: 'answered' })
      if (error) return
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
    const isModern = outcome.kind !== 'answered' && (await this.turnedOutModern(outcome))
    if (isModern && !this.closed) return this.swap(message)
    this.judging = false
    try {
      if (outcome.kind === 'refused') this.options.listener.onMessage(outcome.answer, message.id)
      if (outcome.kind === 'failed') throw outcome.error
    } finally {
      if (this.ended) this.options.listener.onClose(this.ended.cause)
    }
  }

  private async turnedOutModern(outcome: Outcome): Promise<boolean> {
    if (outcome.kind === 'refused') {
      const data = answerOf(outcome.answer).error?.['data']
      const supported = isRecord(data) ? data['supported'] : undefined
      if (Array.isArray(supported) && supported.some(isServed)) return true
    }
    // What never arrived says nothing.
    if (outcome.kind === 'failed' && mayTryElsewhere(outcome.error)) return false
    return this.options.isModern().catch(() => false)
  }

  private async swap(message: Message): Promise<void> {
    this.swapped = true
    const native = this.inner
    this.inner = this.options.openFace(this.options.listener)
    if (native) discard(native.close())
    await this.inner.send(message)
  }

  private current(): Upstream {
    if (!this.inner) throw new Error('the upstream is not open yet')
    return this.inner
  }
}

const asError = (thrown: unknown): Error =>
  thrown instanceof Error ? thrown : new Error(String(thrown))

const isServed = (revision: unknown): boolean =>
  modernRevisions.some((served) => served === revision)
