import type { Backend, Endpoint } from '@mcp-router/core'
import { isRecord, requestBytes, scanMessage, spliceId } from '@mcp-router/protocol'
import type { Message } from '@mcp-router/protocol'
import type { Context } from '../downstream/context.js'
import { RouteCall } from '../downstream/route-call.js'
import { answerModern, readAnswer } from './answer.js'
import type { ModernReply } from './reply.js'

type Json = Readonly<Record<string, unknown>>

/** PooledCall is a modern client's call through the session that callers share: a RouteCall, answered as the modern Era has it. */
export class PooledCall extends RouteCall {
  private readonly reply: ModernReply

  constructor(context: Context, reply: ModernReply, backend: Backend, message: Message) {
    // A modern client waits as long as it likes: it has no deadline here.
    super(context, reply.incoming, backend, message, Infinity)
    this.reply = reply
  }

  protected override deliver(response: Buffer): void {
    const { bytes } = spliceId({ bytes: response }, this.reply.incoming.id)
    const info = this.handshake()?.['serverInfo']
    answerModern(this.reply, this.method(), bytes, isRecord(info) ? info : undefined)
  }

  protected override refuse(error: unknown): void {
    this.reply.fail(error)
  }
}

/** askPooled asks a server something of the router's own through that session, and resolves with the result. */
export const askPooled = async (
  context: Context,
  backend: Backend,
  endpoint: Endpoint,
  method: string,
  params: Json,
): Promise<Json> => {
  const { pool } = context.deps
  const shared = pool.find(endpoint) ?? (await pool.open(backend, endpoint))
  const bytes = await new Promise<Buffer>((resolve, reject) => {
    const message = scanMessage(requestBytes(0, method, params))
    shared.exchange.request(message, { onAnswer: resolve, onFailed: reject })
  })
  const { result } = readAnswer(bytes)
  if (!result) throw new Error(`${method} was refused`)
  return result
}
