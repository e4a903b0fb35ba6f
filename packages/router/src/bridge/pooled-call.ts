import type { Backend, Endpoint } from '@mcp-router/core'
import { isRecord, spliceId } from '@mcp-router/protocol'
import type { Message } from '@mcp-router/protocol'
import type { Context } from '../context.js'
import { RouteCall } from '../downstream/route-call.js'
import { answerModern } from './answer.js'
import type { ModernOutlet } from '../outlet/modern-outlet.js'

interface Place {
  readonly backend: Backend
  readonly endpoint: Endpoint
}

/** PooledCall is a modern client's call through the session that callers share: a RouteCall, answered as the modern Era has it. */
export class PooledCall extends RouteCall {
  private readonly reply: ModernOutlet
  private readonly first: Endpoint

  constructor(
    context: Context,
    reply: ModernOutlet,
    { backend, endpoint }: Place,
    message: Message,
  ) {
    // A modern client waits as long as it likes: it has no deadline here.
    super(context, reply.incoming, backend, message, Infinity)
    this.reply = reply
    this.first = endpoint
  }

  /** The Endpoint was selected when its Era was looked up: to select again would count the call twice. */
  protected override choose(tried: ReadonlySet<Endpoint> | undefined): Endpoint {
    return tried ? super.choose(tried) : this.first
  }

  protected override deliver(response: Buffer): void {
    const { bytes } = spliceId({ bytes: response }, this.reply.incoming.id)
    const info = this.handshake()?.['serverInfo']
    answerModern(this.reply, this.message.method, bytes, isRecord(info) ? info : undefined)
  }

  protected override refuse(error: unknown): void {
    this.reply.fail(error)
  }
}
