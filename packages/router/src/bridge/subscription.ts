import {
  isRecord,
  metaKeys,
  notificationBytes,
  paramsOf,
  resultBytes,
  scanMessage,
} from '@mcp-router/protocol'
import type { Message } from '@mcp-router/protocol'
import type { ListChange } from '@mcp-router/upstream'
import { filters, urisOf } from './filter.js'
import type { ModernOutlet } from '../outlet/modern-outlet.js'

type Json = Readonly<Record<string, unknown>>

/** Subscription tells a client what it listens to: the acknowledgement first, whatever the server says meanwhile, and all with its tag. */
export class Subscription {
  readonly uris: readonly string[]
  private readonly reply: ModernOutlet
  private readonly honoured: Json
  private readonly tag: Json
  /** What came before the acknowledgement. */
  private early: Message[] | undefined = []

  constructor(reply: ModernOutlet, honoured: Json) {
    this.reply = reply
    this.honoured = honoured
    this.uris = urisOf(honoured)
    // As the client wrote it.
    this.tag = { [metaKeys.subscriptionId]: JSON.parse(reply.incoming.id) as string | number }
  }

  isEmpty(): boolean {
    return Object.keys(this.honoured).length === 0
  }

  acknowledge(): void {
    this.say('notifications/subscriptions/acknowledged', { notifications: this.honoured })
    const waiting = this.early ?? []
    this.early = undefined
    for (const message of waiting) this.notify(message)
  }

  notifyChange(change: ListChange): void {
    const filter = filters.find(([, method]) => method === change)
    if (filter && this.honoured[filter[0]] === true) {
      this.notify(scanMessage(notificationBytes(change)))
    }
  }

  notifyUpdated(message: Message): void {
    const uri = paramsOf(message)?.['uri']
    if (typeof uri === 'string' && this.uris.includes(uri)) this.notify(message)
  }

  /** end says that nothing more will come, which is no failure. */
  end(): void {
    const result = { resultType: 'complete', _meta: this.tag }
    this.reply.answer(resultBytes(this.reply.incoming.id, result))
  }

  private notify(message: Message): void {
    if (this.early) this.early.push(message)
    else this.say(message.method, paramsOf(message) ?? {})
  }

  private say(method: string, params: Json): void {
    const meta = isRecord(params['_meta']) ? params['_meta'] : {}
    const tagged = { ...params, _meta: { ...meta, ...this.tag } }
    this.reply.say(scanMessage(notificationBytes(method, tagged)))
  }
}
