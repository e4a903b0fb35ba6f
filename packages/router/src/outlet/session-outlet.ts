import { RouterError } from '@mcp-router/core'
import { errorBytes } from '@mcp-router/protocol'
import type { Replay } from '../streams/replay.js'
import type { Replies } from './replies.js'
import { StreamReply } from './stream-reply.js'
import type { CallRef } from './stream-reply.js'

/** DeliveryHooks tell the CallLog what became of a response. */
interface DeliveryHooks {
  /** The client was told the answer, or an error in its place, to a request that was answered 202; without `answer`, it had waited for the client. */
  onDelivered(call: CallRef, answer?: Buffer): void
  /** There is an answer to such a request, and no client to hear it. */
  onUndelivered(call: CallRef, answer: Buffer): void
}

/**
 * SessionOutlet writes the responses that a client of 2024-11-05 waits for on its Stream: its requests were answered 202. It knows which of them
 * the client can still be told, and whether it wants them.
 */
export class SessionOutlet {
  /** Of the conversation with its client: each `initialize` after the first one begins another. */
  generation = 0
  private readonly stream: Replay
  private readonly replies: Pick<Replies, 'get' | 'pending'>
  private readonly hooks: DeliveryHooks
  // Made with the first entry: most sessions of a crowd are idle.
  /** Ids of requests that are being accepted. */
  private reserved: Set<string> | undefined
  /** What an Owner before this one had accepted. */
  private inherited: Set<string> | undefined
  /** Responses that wait for the Stream, by entry. */
  private undelivered: Map<string, CallRef> | undefined
  /** Requests that have come and wait to be accepted. */
  private announced: Set<CallName> | undefined

  constructor(stream: Replay, replies: Pick<Replies, 'get' | 'pending'>, hooks: DeliveryHooks) {
    this.stream = stream
    this.replies = replies
    this.hooks = hooks
  }

  /**
   * reserve takes the id (JSON text) of a request that is being accepted; what it returns gives it back, once the request was passed on or is
   * not going to be. It throws INVALID_REQUEST where the id is in flight.
   */
  reserve(id: string): () => void {
    if (this.isTaken(id)) {
      throw new RouterError('INVALID_REQUEST', { reason: `id ${id} is already in flight` })
    }
    this.reserved = (this.reserved ?? new Set<string>()).add(id)
    let isReserved = true
    return () => {
      // By the second time it may be another request's.
      if (isReserved) this.reserved?.delete(id)
      isReserved = false
    }
  }

  /** isDelivered tells that the client has the response to a call, as far as anybody knows. */
  isDelivered({ requestId, entry }: CallRef): boolean {
    const reply = this.replies.get(requestId)
    const isUnanswered = reply instanceof StreamReply && reply.call.entry === entry
    return !isUnanswered && !(this.undelivered?.has(entry) ?? false)
  }

  /** isCurrent tells that a call belongs to the conversation that goes on now. */
  isCurrent({ generation }: CallRef): boolean {
    return generation === this.generation
  }

  /** inherit notes a request that an Owner before this one had accepted. */
  inherit(call: CallName): void {
    this.inherited = (this.inherited ?? new Set<string>()).add(nameOf(call))
  }

  hasInherited(call: CallName): boolean {
    return this.inherited?.has(nameOf(call)) ?? false
  }

  /**
   * announce says that these requests have come: a client that uses an id again has the response to its last use, or does not want it. What
   * it returns ends that, once they were accepted or are not going to be.
   */
  announce(calls: readonly CallName[]): () => void {
    const announced = (this.announced ??= new Set())
    for (const call of calls) announced.add(call)
    for (const call of this.undelivered?.values() ?? [])
      if (this.isSuperseded(call)) this.withdraw(call)
    return () => {
      for (const call of calls) announced.delete(call)
    }
  }

  /** isSuperseded tells that the client has used the id of a call for another one since. */
  isSuperseded(call: CallName): boolean {
    return this.isTaken(call.requestId) || this.isAnnounced(call)
  }

  /** received says that the client has the response with this entry. */
  received(entry: string): void {
    const call = this.undelivered?.get(entry)
    if (call) this.withdraw(call)
  }

  /** restart ends the conversation so far: nothing of it is delivered from now on. */
  restart(): void {
    this.generation++
    for (const reply of this.replies.pending()) reply.abandon()
    this.undelivered = undefined
    this.inherited = undefined
    this.stream.forgetAll()
  }

  /** deliver delivers a response, now or once the client has a Stream. */
  deliver(call: CallRef, answer: Buffer): void {
    if (!this.isCurrent(call)) return
    if (this.isAnnounced(call)) {
      this.hooks.onDelivered(call)
      return
    }
    const isConnected = this.stream.isConnected()
    this.stream.say(answer, call.entry)
    if (isConnected) {
      this.hooks.onDelivered(call, answer)
      return
    }
    this.undelivered = (this.undelivered ?? new Map<string, CallRef>()).set(call.entry, call)
    this.hooks.onUndelivered(call, answer)
  }

  /** fail delivers an error as the response. */
  fail(call: CallRef, error: RouterError): void {
    this.deliver(call, errorBytes(call.requestId, error.rpc, error.message, error.publicData))
  }

  /** onConnected: the client has a Stream, and what waited for it was written there: the responses of these entries. */
  onConnected(): ReadonlySet<string> {
    const calls = [...(this.undelivered?.values() ?? [])]
    for (const call of calls) this.hooks.onDelivered(call)
    this.undelivered = undefined
    return new Set(calls.map(({ entry }) => entry))
  }

  /** isTaken tells that a request of this id is in flight. */
  private isTaken(id: string): boolean {
    return this.replies.get(id) !== undefined || (this.reserved?.has(id) ?? false)
  }

  private isAnnounced(call: CallName): boolean {
    for (const later of this.announced ?? []) if (isAnother(later, call)) return true
    return false
  }

  /** withdraw is for a response that is not to be written any more. */
  private withdraw(call: CallRef): void {
    this.undelivered?.delete(call.entry)
    this.stream.withdraw(call.entry)
    this.hooks.onDelivered(call)
  }
}

type CallName = Pick<CallRef, 'callId' | 'requestId'>

/** isAnother tells of two calls with one JSON-RPC id that they are not one that came twice. */
const isAnother = (one: CallName, other: CallName): boolean =>
  one.requestId === other.requestId && (one.callId === '' || one.callId !== other.callId)

const nameOf = ({ callId, requestId }: CallName): string => `${callId} ${requestId}`
