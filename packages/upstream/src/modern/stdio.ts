import { asError } from '@mcp-router/core'
import {
  metaKeys,
  paramsOf,
  resultBytes,
  scanMessage,
  spliceId,
  spliceProgressToken,
} from '@mcp-router/protocol'
import type { Message } from '@mcp-router/protocol'
import { firstId } from '../first-id.js'
import { isReadable } from '../messages.js'
import type { Upstream, UpstreamListener } from '../upstream.js'
import { retagged, subscriptionOf } from './subscription-id.js'
import type { ModernCall, ModernChannel, ModernListener } from './channel.js'

interface Pending {
  readonly listener: ModernListener
  /** As the caller wrote it. */
  readonly id: string
  readonly progressToken: string | undefined
  readonly isListen: boolean
  readonly wantsLog: boolean
}

/** How to start the child; what it says goes to the listener. */
export type OpenChild = (listener: UpstreamListener) => Promise<Upstream>

/**
 * StdioChannel runs the requests of many callers over one child (2026-07-28, stdio): each gets an id and a progress token of its own. The
 * child's life is no conversation: it is started with the first request, and anew when it has ended.
 */
export class StdioChannel implements ModernChannel {
  private readonly openChild: OpenChild
  private idleMs: number
  private readonly underway = new Map<number, Pending>()
  private tickets = firstId()
  private child: Promise<Upstream> | undefined
  private reaping: NodeJS.Timeout | undefined
  private closed = false

  constructor(openChild: OpenChild, idleMs: number) {
    this.openChild = openChild
    this.idleMs = idleMs
  }

  request(message: Message, _headers: readonly string[], listener: ModernListener): ModernCall {
    const params = paramsOf(message) ?? {}
    const meta = params['_meta']
    const wantsLog = typeof meta === 'object' && meta !== null && metaKeys.logLevel in meta
    const isListen = message.method === 'subscriptions/listen'
    const ticket = ++this.tickets
    const own = spliceId(message, String(ticket)).bytes
    const tokened = spliceProgressToken({ bytes: own }, String(ticket))
    this.underway.set(ticket, {
      listener,
      id: message.id,
      progressToken: tokened?.previous,
      isListen,
      // What a listen asks for is not about any call.
      wantsLog: wantsLog && !isListen,
    })
    const sent = scanMessage(tokened?.bytes ?? own)
    this.running()
      .then((child) => child.send(sent))
      .catch((error: unknown) => this.take(ticket)?.listener.onFailed(asError(error)))
    return {
      abort: (isLate) => {
        if (!this.take(ticket)) return
        void this.child
          ?.then((child) => child.cancel(String(ticket), isLate))
          .catch(() => undefined)
      },
    }
  }

  retire(): void {
    this.idleMs = 0
    for (const [ticket, { isListen, listener }] of this.underway)
      if (isListen && this.take(ticket)) listener.onFailed(ended())
    if (this.underway.size === 0) this.reapLater()
  }

  async close(): Promise<void> {
    this.closed = true
    clearTimeout(this.reaping)
    const child = this.child
    this.child = undefined
    this.failAll(ended())
    await child?.then(
      (each) => each.close(),
      () => undefined,
    )
  }

  private running(): Promise<Upstream> {
    clearTimeout(this.reaping)
    this.reaping = undefined
    if (this.closed) return Promise.reject(new Error('the channel is closed'))
    if (this.child) return this.child
    const child = this.openChild({
      onMessage: (message) => this.hear(message),
      onClose: (cause) => {
        // One that was reaped takes its time to leave: what is under way by then is with the next.
        if (this.child !== child) return
        this.child = undefined
        this.failAll(cause ?? ended())
      },
    })
    this.child = child
    child.catch(() => {
      if (this.child === child) this.child = undefined
    })
    return child
  }

  private hear(message: Message): void {
    switch (message.kind) {
      case 'request':
        // This revision has none from the server: there is nobody to answer it.
        return
      case 'response': {
        const waiting = this.take(Number(message.id))
        if (waiting) this.answer(waiting, message)
        return
      }
      case 'notification':
        // The child is everybody's: what one call makes it say must not end it for the others.
        if (isReadable(message)) this.notify(message)
    }
  }

  private answer(waiting: Pending, message: Message): void {
    if (waiting.isListen && !isReadable(message)) {
      waiting.listener.onFailed(new Error('the server ended the subscription with no message'))
      return
    }
    const { id, isListen } = waiting
    const bytes = isListen ? retagged(message, id) : spliceId(message, id).bytes
    waiting.listener.onResponse({ bytes, kind: 'response', id, method: '' })
  }

  private notify(message: Message): void {
    if (message.method === 'notifications/progress') {
      const ticket = Number(paramsOf(message)?.['progressToken'])
      const waiting = this.underway.get(ticket)
      if (waiting?.progressToken === undefined) return
      const relayed = spliceProgressToken(message, waiting.progressToken)
      if (relayed) waiting.listener.onNotification(scanMessage(relayed.bytes))
      return
    }
    if (message.method === 'notifications/cancelled') {
      // The server ends a listen in the older of the two ways that the specification names.
      const ticket = Number(paramsOf(message)?.['requestId'])
      if (!this.underway.get(ticket)?.isListen) return
      const ended = this.take(ticket)
      const result = { resultType: 'complete', _meta: { [metaKeys.subscriptionId]: ticket } }
      if (ended) this.answer(ended, scanMessage(resultBytes(String(ticket), result)))
      return
    }
    const tag = subscriptionOf(message)
    if (tag !== undefined) {
      const waiting = this.underway.get(Number(tag))
      if (waiting) waiting.listener.onNotification(scanMessage(retagged(message, waiting.id)))
      return
    }
    if (message.method === 'notifications/message') this.log(message)
  }

  /** A log message does not say which request it belongs to: the newest that asked for any gets it. */
  private log(message: Message): void {
    const newest = [...this.underway.values()].filter(({ wantsLog }) => wantsLog).at(-1)
    newest?.listener.onNotification(message)
  }

  private take(ticket: number): Pending | undefined {
    const waiting = this.underway.get(ticket)
    this.underway.delete(ticket)
    if (this.underway.size === 0 && this.child && !this.closed) this.reapLater()
    return waiting
  }

  private reapLater(): void {
    clearTimeout(this.reaping)
    this.reaping = setTimeout(() => {
      const child = this.child
      this.child = undefined
      void child?.then((each) => each.close()).catch(() => undefined)
    }, this.idleMs)
    this.reaping.unref()
  }

  private failAll(cause: Error): void {
    const failed = [...this.underway.values()]
    this.underway.clear()
    for (const { listener } of failed) listener.onFailed(cause)
  }
}

const ended = (): Error => new Error('the process was ended')
