import type { RouterError } from '@mcp-router/core'
import type { Message } from '@mcp-router/protocol'
import { failReply } from './reply.js'
import type { OnBroken, RepeatableReply, Reply } from './reply.js'

/** CallRef names a request whose response its client still waits for, or may not have received. */
export interface CallRef {
  /** Names it in the CallLog, and no other request of its Session. */
  readonly entry: string
  /** X-Request-Id of the HTTP request that brought it; empty where it had none that can be trusted. */
  readonly callId: string
  /** JSON text of its JSON-RPC id, which its client may use for other requests later. */
  readonly requestId: string
  /** Of the conversation that it belongs to: after another `initialize` nobody waits for it. */
  readonly generation: number
  /** It was sent a second time because the Owner that had sent it is gone. */
  readonly isRepeated?: boolean
}

/** StreamReplySession is what such a Reply needs of its Session. */
interface StreamReplySession {
  readonly outlet: {
    isCurrent(call: CallRef): boolean
    deliver(call: CallRef, answer: Buffer): void
    fail(call: CallRef, error: RouterError): void
  }
  readonly hooks: {
    /** What is to be done when the server goes away with this request, which came at `at`, ms since the epoch. */
    repeats(message: Message, at: number): OnBroken
  }
  toStream(said: Message): void
  /** Comes once, when the Reply is over, answered or not. */
  release(reply: Reply): void
}

/** StreamReply is that of a request which was answered 202: its response comes on the Stream of its Session (spec 2024-11-05, HTTP with SSE). */
export class StreamReply implements RepeatableReply {
  readonly call: CallRef
  readonly message: Message
  activeAt?: number
  private readonly session: StreamReplySession
  private readonly at = Date.now()
  private onBroken: OnBroken | undefined
  private over = false

  constructor(session: StreamReplySession, call: CallRef, message: Message) {
    this.session = session
    this.call = call
    this.message = message
    // A client must not take back its initialize, however long that takes (2025-11-25, cancellation).
    if (message.method === 'initialize') this.activeAt = Infinity
  }

  get id(): string {
    return this.message.id
  }

  say(said: Message): void {
    this.session.toStream(said)
  }

  answer({ bytes }: Message): void {
    if (this.finish()) this.session.outlet.deliver(this.call, bytes)
  }

  fail(error: RouterError): void {
    if (this.over) return
    this.onBroken ??= this.session.hooks.repeats(this.message, this.at)
    failReply(this, error, this.onBroken)
  }

  giveUp(error: RouterError): void {
    if (this.finish()) this.session.outlet.fail(this.call, error)
  }

  /** What is about no call in particular belongs to the Stream itself. */
  isAway(): boolean {
    return true
  }

  isOver(): boolean {
    return this.over || !this.session.outlet.isCurrent(this.call)
  }

  /** abandon leaves it to whoever has the Session next, who finds it in the CallLog. */
  abandon(): void {
    this.finish()
  }

  private finish(): boolean {
    if (this.over) return false
    this.over = true
    this.session.release(this)
    return true
  }
}
