import { RouterError } from '@mcp-router/core'
import { errorBytes, progressTokenOf } from '@mcp-router/protocol'
import type { LiveHooks, CallRef, PendingCall } from './live-hooks.js'
import type { Replay } from '../../streams/replay.js'
import type { Reply } from '../../outlet/reply.js'

/** Debts are the responses that a client of 2024-11-05 still waits for on its Stream: its requests were answered 202. */
export class PendingCalls {
  /** Of the conversation with its client: each `initialize` after the first one begins another. */
  generation = 0
  private readonly stream: Replay
  private readonly hooks: Pick<LiveHooks, 'onDelivered' | 'onUndelivered'>
  // Made with the first entry: most sessions of a crowd are idle.
  private unanswered: Map<string, PendingCall> | undefined
  /** Ids of requests that are being accepted. */
  private reserved: Set<string> | undefined
  /** What an Owner before this one had accepted. */
  private inherited: Set<string> | undefined
  /** Responses that wait for the Stream, by entry. */
  private undelivered: Map<string, CallRef> | undefined
  /** Requests that have come and wait to be accepted. */
  private announced: Set<CallName> | undefined

  constructor(stream: Replay, hooks: Pick<LiveHooks, 'onDelivered' | 'onUndelivered'>) {
    this.stream = stream
    this.hooks = hooks
  }

  /**
   * reserve takes the id (JSON text) of a request that is being accepted; what it returns gives it back, once the request was passed on or is
   * not going to be. It throws INVALID_REQUEST where the id is in flight.
   */
  reserve(id: string): () => void {
    if (this.has(id)) {
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

  add(pending: PendingCall): void {
    pending.activeAt ??= pending.message.method === 'initialize' ? Infinity : performance.now()
    this.unanswered ??= new Map()
    this.unanswered.set(pending.message.id, pending)
  }

  /** take takes out a request; undefined: there is none of this id. */
  take(id: string): PendingCall | undefined {
    const pending = this.unanswered?.get(id)
    this.unanswered?.delete(id)
    return pending
  }

  /** has tells that a request of this id is in flight. */
  has(id: string): boolean {
    return (this.unanswered?.has(id) ?? false) || (this.reserved?.has(id) ?? false)
  }

  pending(): Iterable<PendingCall> {
    return this.unanswered?.values() ?? []
  }

  size(): number {
    return this.unanswered?.size ?? 0
  }

  /** hasToken tells that one of the requests asks for progress by this token. */
  hasToken(token: string): boolean {
    for (const { message } of this.unanswered?.values() ?? []) {
      if (progressTokenOf(message) === token) return true
    }
    return false
  }

  /** heard says that the server was heard of the request with this progress token, or of all. */
  noteActivity(token?: string): void {
    for (const pending of this.unanswered?.values() ?? []) {
      const isMeant = token === undefined || progressTokenOf(pending.message) === token
      if (isMeant && pending.activeAt !== Infinity) pending.activeAt = performance.now()
    }
  }

  /** all are the requests, and when the server was last heard of each. */
  all(): readonly Pick<Reply, 'id' | 'activeAt'>[] {
    const all = [...(this.unanswered ?? [])]
    return all.map(([id, { activeAt = performance.now() }]) => ({ id, activeAt }))
  }

  /** isDelivered tells that the client has the response to a call, as far as anybody knows. */
  isDelivered({ requestId, entry }: CallRef): boolean {
    const isUnanswered = this.unanswered?.get(requestId)?.call.entry === entry
    return !isUnanswered && !(this.undelivered?.has(entry) ?? false)
  }

  /** leave leaves the requests to somebody else. */
  leave(): void {
    this.unanswered = undefined
  }

  /** isCurrent tells that a call belongs to the conversation that goes on now. */
  isCurrent({ generation }: CallRef): boolean {
    return generation === this.generation
  }

  /** inherit remembers a request that an Owner before this one had accepted. */
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
      if (this.isSuperseded(call)) this.receive(call)
    return () => {
      for (const call of calls) announced.delete(call)
    }
  }

  /** isSuperseded tells that the client has used the id of a call for another one since. */
  isSuperseded(call: CallName): boolean {
    if (this.has(call.requestId)) return true
    for (const later of this.announced ?? []) if (isAnother(later, call)) return true
    return false
  }

  /** received says that the client has the response with this entry. */
  received(entry: string): void {
    const call = this.undelivered?.get(entry)
    if (call) this.receive(call)
  }

  /** receive is for a response that is not to be written any more. */
  private receive(call: CallRef): void {
    this.undelivered?.delete(call.entry)
    this.stream.withdraw(call.entry)
    this.hooks.onDelivered(call)
  }

  /** beginAnew ends the conversation so far: nothing of it is delivered from now on. */
  restart(): void {
    this.generation++
    this.unanswered = undefined
    this.undelivered = undefined
    this.inherited = undefined
    this.stream.forgetAll()
  }

  /** tell delivers a response, now or once the client has a Stream. */
  deliver(call: CallRef, answer: Buffer): void {
    if (!this.isCurrent(call)) return
    for (const later of this.announced ?? []) {
      if (!isAnother(later, call)) continue
      this.hooks.onDelivered(call)
      return
    }
    const isHeard = this.stream.isConnected()
    this.stream.say(answer, call.entry)
    if (isHeard) {
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

  /** hear says that the client has a Stream, and what waited for it was written there: the responses of these entries. */
  onConnected(): ReadonlySet<string> {
    const calls = [...(this.undelivered?.values() ?? [])]
    for (const call of calls) this.hooks.onDelivered(call)
    this.undelivered = undefined
    return new Set(calls.map(({ entry }) => entry))
  }
}

type CallName = Pick<CallRef, 'callId' | 'requestId'>

/** isAnother tells of two calls with one JSON-RPC id that they are not one that came twice. */
const isAnother = (one: CallName, other: CallName): boolean =>
  one.requestId === other.requestId && (one.callId === '' || one.callId !== other.callId)

const nameOf = ({ callId, requestId }: CallName): string => `${callId} ${requestId}`
