import type { Backend, Endpoint } from '@mcp-router/core'
import { RouterError, shortReason } from '@mcp-router/core'
import type { Message } from '@mcp-router/protocol'
import { noteList } from './catalog.js'
import type { ToolCatalog } from './catalog.js'
import { discard } from './upstream.js'
import type { ContinuedSession, Upstream, UpstreamListener } from './upstream.js'

interface Options {
  readonly backend: Backend
  readonly listener: UpstreamListener
  readonly catalog: Pick<ToolCatalog, 'note'>
  /** How long the Endpoint may take to answer `initialize`, ms. */
  readonly openTimeoutMs: number
}

/**
 * WatchedUpstream watches what passes at an Upstream with sessions: a handshake that is not answered in time fails, with the reason, and the tools that the
 * server lists fill the catalog.
 */
export class WatchedUpstream implements Upstream, UpstreamListener {
  private readonly options: Options
  private inner: Upstream | undefined
  /** The id of `initialize` while it is not answered. */
  private opening = ''
  private tooLong: NodeJS.Timeout | undefined
  /** The lists of tools under way, by id. Made with the first entry. */
  private lists: Map<string, Message> | undefined
  private isOver = false

  constructor(options: Options) {
    this.options = options
  }

  /** open takes the Upstream that it listens to. */
  async open(open: (listener: UpstreamListener) => Promise<Upstream>): Promise<Upstream> {
    this.inner = await open(this)
    return this
  }

  send(message: Message): Promise<void> {
    this.note(message)
    return this.current().send(message)
  }

  pass(message: Message, onFailed: (error: Error) => void): void {
    this.note(message)
    this.current().pass(message, onFailed)
  }

  isSessionless(): boolean {
    return this.inner?.isSessionless?.() ?? false
  }

  cancel(id: string, isLate?: boolean): void {
    this.lists?.delete(id)
    this.current().cancel(id, isLate)
  }

  listen(): void {
    this.current().listen()
  }

  heard(): Promise<void> {
    return this.inner?.heard?.() ?? Promise.resolve()
  }

  use(endpoint: Endpoint): void {
    this.inner?.use?.(endpoint)
  }

  lastWords(): string {
    return this.inner?.lastWords?.() ?? ''
  }

  close(): Promise<void> {
    clearTimeout(this.tooLong)
    return this.current().close()
  }

  session(): ContinuedSession | undefined {
    return this.inner?.session?.()
  }

  detach(): Promise<void> {
    clearTimeout(this.tooLong)
    const inner = this.current()
    return inner.detach?.() ?? inner.close()
  }

  onMessage(message: Message, about?: string): void {
    if (message.kind === 'response') this.hear(message)
    this.options.listener.onMessage(message, about)
  }

  onClose(cause: Error | undefined): void {
    if (this.isOver) return
    this.isOver = true
    clearTimeout(this.tooLong)
    const isOpening = this.opening !== '' && cause !== undefined
    this.options.listener.onClose(isOpening ? this.failed(shortReason(cause), cause) : cause)
  }

  private note(message: Message): void {
    if (message.method === 'tools/list') {
      this.lists = (this.lists ?? new Map<string, Message>()).set(message.id, message)
    } else if (message.method === 'initialize') {
      this.opening = message.id
      clearTimeout(this.tooLong)
      this.tooLong = setTimeout(() => this.giveUp(), this.options.openTimeoutMs)
    }
  }

  private hear(message: Message): void {
    if (this.opening !== '' && message.id === this.opening) {
      this.opening = ''
      clearTimeout(this.tooLong)
    }
    const asked = this.lists?.get(message.id)
    if (!asked) return
    this.lists?.delete(message.id)
    noteList(this.options.catalog, this.options.backend, asked, message)
  }

  private giveUp(): void {
    if (this.isOver) return
    this.isOver = true
    const reason = lateOpening('initialize', this.options.openTimeoutMs)
    this.options.listener.onClose(this.failed(reason, undefined, true))
    discard(this.current().close())
  }

  private failed(reason: string, cause?: unknown, late = false): RouterError {
    const words = this.lastWords()
    const withStderr = words ? `${reason}; stderr: ${words}` : reason
    const { name } = this.options.backend
    return new RouterError('OPENING_FAILED', { backend: name, reason: withStderr, late }, cause)
  }

  private current(): Upstream {
    if (!this.inner) throw new Error('the upstream is not open yet')
    return this.inner
  }
}

/** lateOpening says what a handshake waited for, and how long, in ms. */
export const lateOpening = (method: string, limitMs: number): string =>
  `${method} was not answered within ${limitMs / 1_000} s, the limit`

/** openingReason says which Endpoint could not be opened, once, and why. */
export const openingReason = (endpoint: string, cause: unknown): string => {
  const prefix = `opening ${endpoint}: `
  const reason = shortReason(cause)
  return reason.startsWith(prefix) ? reason : prefix + reason
}
