import type { Backend, Endpoint } from '@mcp-router/core'
import { isRecord, requestBytes, scanMessage, spliceId } from '@mcp-router/protocol'
import type { Message } from '@mcp-router/protocol'
import { answerOf, SessionLost } from '@mcp-router/upstream'
import type { SharedUpstream } from '@mcp-router/upstream'
import type { Context } from '../downstream/context.js'
import { RouteCall } from '../downstream/route-call.js'
import { answerModern } from './answer.js'
import type { ModernReply } from './reply.js'

type Json = Readonly<Record<string, unknown>>

interface Place {
  readonly backend: Backend
  readonly endpoint: Endpoint
}

/** How long the router waits for what it asks itself, ms: calls wait for it. */
const askMs = 10_000

/** PooledCall is a modern client's call through the session that callers share: a RouteCall, answered as the modern Era has it. */
export class PooledCall extends RouteCall {
  private readonly reply: ModernReply
  private readonly first: Endpoint

  constructor(
    context: Context,
    reply: ModernReply,
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
    answerModern(this.reply, this.method(), bytes, isRecord(info) ? info : undefined)
  }

  protected override refuse(error: unknown): void {
    this.reply.fail(error)
  }
}

/** askPooled asks a server something of the router's own through that session, once more where it had forgotten it, and resolves with the result. */
export const askPooled = async (
  context: Context,
  { backend, endpoint }: Place,
  method: string,
  params: Json,
): Promise<Json> => {
  const { pool } = context.deps
  const open = (): Promise<SharedUpstream> => pool.open(backend, endpoint)
  const shared = pool.find(endpoint) ?? (await open())
  try {
    return await askShared(shared, method, params)
  } catch (error) {
    if (!(error instanceof SessionLost)) throw error
    pool.drop(endpoint, shared)
    return askShared(await open(), method, params)
  }
}

const askShared = async (
  { exchange }: SharedUpstream,
  method: string,
  params: Json,
): Promise<Json> => {
  const message = scanMessage(requestBytes(0, method, params))
  let tooLong: NodeJS.Timeout | undefined
  const asking = new Promise<Buffer>((resolve, reject) => {
    const ticket = exchange.request(message, { onAnswer: resolve, onFailed: reject })
    tooLong = setTimeout(() => {
      exchange.cancel(ticket)
      reject(new Error(`${method} was not answered`))
    }, askMs)
  })
  const bytes = await asking.finally(() => clearTimeout(tooLong))
  const { result } = answerOf(scanMessage(bytes))
  if (!result) throw new Error(`${method} was refused`)
  return result
}
