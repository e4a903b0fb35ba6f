import {
  cancelledId,
  progressTokenOf,
  scanMessage,
  spliceId,
  spliceProgressToken,
} from '@mcp-router/protocol'
import type { Message } from '@mcp-router/protocol'
import { cancelledMessage } from '@mcp-router/upstream'

/** Request is one that was sent and has no response yet. */
interface Request {
  /** Its JSON-RPC id at the client, as JSON text; undefined: the client has used it for another one since. */
  id: string | undefined
  /** Its progress token at the client, likewise. */
  token: string | undefined
  /** The progress token that the server knows. */
  readonly wireToken: string | undefined
}

/** Of so many requests without a response, most of them cancelled, it is known that they were sent. */
const maxRequests = 4_000

/**
 * WireIds are the JSON-RPC ids and progress tokens that requests have on one Upstream: their own, unless the server may still answer an earlier
 * request that had the same. A client may give up a request (2025-11-25, cancellation) and use its id again; the server may not have heard of
 * that, and what it says of the first one must not be taken for the second.
 */
export class WireIds {
  private readonly requests = new Map<string, Request>()
  /** Requests by the progress token that the server knows. */
  private tokens: Map<string, Request> | undefined
  /** The ids on the wire of requests whose ids were taken, by their own. */
  private replaced: Map<string, string> | undefined
  private count = 0

  /** of is the id on the wire of the request with this id. */
  of(id: string): string {
    return this.replaced?.get(id) ?? id
  }

  /** own is the id at the client of the request with this id on the wire; empty: it has none any more. */
  own(wireId: string): string {
    const request = this.requests.get(wireId)
    return request ? (request.id ?? '') : wireId
  }

  /** sent is the message as it is to be sent. */
  sent(message: Message): Message {
    if (message.method === 'notifications/cancelled') return this.cancellation(message)
    return message.kind === 'request' ? this.request(message) : message
  }

  /** unsent says that a message, as it was to be sent, did not reach the server. */
  unsent({ kind, id }: Message): void {
    if (kind === 'request') this.take(id)
  }

  /** abandoned marks a message, as it was sent, that may have reached the server: its response, if one comes, is dropped. */
  abandoned({ kind, id }: Message): void {
    const request = kind === 'request' ? this.requests.get(id) : undefined
    if (!request) return
    if (request.id !== undefined && this.replaced?.get(request.id) === id)
      this.replaced.delete(request.id)
    request.id = undefined
    request.token = undefined
  }

  /** received is the message as the client knows it; undefined: it is about a request that nobody waits for. */
  received(message: Message): Message | undefined {
    if (message.kind === 'response') return this.response(message)
    if (message.method !== 'notifications/progress') return message
    const request = this.tokens?.get(progressTokenOf(message) ?? '')
    if (!request || request.token === request.wireToken) return message
    if (request.token === undefined) return undefined
    const spliced = spliceProgressToken(message, request.token)
    return spliced && scanMessage(spliced.bytes)
  }

  private request(message: Message): Message {
    const { id } = message
    const token = progressTokenOf(message)
    const earlier = this.requests.get(this.of(id))
    if (earlier) earlier.id = undefined
    const isTaken = this.requests.has(id)
    const rival = token === undefined ? undefined : this.tokens?.get(token)
    const wireToken = rival ? this.name() : token
    const wireId = isTaken ? this.name() : id
    if (rival) this.dropToken(token)
    if (isTaken) (this.replaced ??= new Map()).set(id, wireId)
    else this.replaced?.delete(id)
    this.note(wireId, { id, token, wireToken })
    if (wireId === id && wireToken === token) return message
    const withId = isTaken ? scanMessage(spliceId(message, wireId).bytes) : message
    const spliced = wireToken === token ? undefined : spliceProgressToken(withId, wireToken ?? '')
    return spliced ? scanMessage(spliced.bytes) : withId
  }

  private note(wireId: string, request: Request): void {
    this.requests.set(wireId, request)
    if (request.wireToken !== undefined) {
      this.tokens ??= new Map()
      this.tokens.set(request.wireToken, request)
    }
    const [oldest] = this.requests.keys()
    if (this.requests.size > maxRequests && oldest !== undefined) this.take(oldest)
  }

  /** dropToken says that whoever had this token at the client waits for no more of it. */
  private dropToken(token: string | undefined): void {
    for (const request of this.tokens?.values() ?? [])
      if (request.token === token) request.token = undefined
  }

  private take(wireId: string): Request | undefined {
    const request = this.requests.get(wireId)
    if (!request) return undefined
    this.requests.delete(wireId)
    const { id, wireToken } = request
    if (wireToken !== undefined && this.tokens?.get(wireToken) === request)
      this.tokens.delete(wireToken)
    if (id !== undefined && this.replaced?.get(id) === wireId) this.replaced.delete(id)
    return request
  }

  private response(message: Message): Message | undefined {
    const request = this.take(message.id)
    if (!request || request.id === message.id) return message
    if (request.id === undefined) return undefined
    return scanMessage(spliceId(message, request.id).bytes)
  }

  private cancellation(message: Message): Message {
    const id = cancelledId(message)
    const wireId = this.of(id)
    return wireId === id ? message : cancelledMessage(wireId)
  }

  private name(): string {
    return `"mcp-router-again-${++this.count}"`
  }
}
