import { RouterError } from '@mcp-router/core'
import { progressTokenOf } from '@mcp-router/protocol'
import type { Message } from '@mcp-router/protocol'
import type { Reply } from './reply.js'
import { StreamReply } from './stream-reply.js'

/** Replies are the requests of an owned Session that are under way, by id and by progress token. */
export class Replies {
  // All made with the first entry: most sessions of a crowd are idle, and few requests have a token.
  private byId: Map<string, Reply> | undefined
  private tokens: Map<string, Reply> | undefined
  /** Further Replies to a request that came more than once: which of them still has a client is not known yet. */
  private others: Map<string, Reply[]> | undefined

  /**
   * add takes a request that is to be sent. False: it is under way already and came again, because an Instance on its way went away; the answer
   * goes to both. It throws INVALID_REQUEST for another request of the same id.
   */
  add(message: Message, reply: Reply): boolean {
    const earlier = this.byId?.get(message.id)
    if (earlier === reply) return false
    const comesAgain = earlier?.requestId !== undefined && earlier.requestId === reply.requestId
    if (earlier && !comesAgain) {
      throw new RouterError('INVALID_REQUEST', { reason: `id ${message.id} is already in flight` })
    }
    if (earlier && reply.yieldTo?.(earlier)) return false
    if (earlier) {
      this.others ??= new Map<string, Reply[]>()
      this.others.set(message.id, [...(this.others.get(message.id) ?? []), earlier])
    }
    this.byId ??= new Map()
    this.byId.set(message.id, reply)
    renew(reply)
    const token = progressTokenOf(message)
    if (token !== undefined) {
      this.tokens = (this.tokens ?? new Map<string, Reply>()).set(token, reply)
    }
    return !earlier
  }

  get(id: string): Reply | undefined {
    return this.byId?.get(id)
  }

  /** hasToken tells that a request under way asks for progress by this token. */
  hasToken(token: string): boolean {
    return this.tokens?.has(token) ?? false
  }

  answer(message: Message): void {
    const others = this.others?.get(message.id) ?? []
    this.byId?.get(message.id)?.answer(message)
    for (const reply of others) reply.answer(message)
  }

  /** fail ends the request of this id, answered or not. */
  fail(id: string, error: RouterError): void {
    const others = this.others?.get(id) ?? []
    this.byId?.get(id)?.fail(error)
    for (const reply of others) reply.fail(error)
  }

  release(reply: Reply): void {
    const others = this.others?.get(reply.id)?.filter((each) => each !== reply) ?? []
    if (this.byId?.get(reply.id) === reply) {
      const next = others.pop()
      if (next) this.byId.set(reply.id, next)
      else this.byId.delete(reply.id)
    }
    if (others.length > 0) this.others?.set(reply.id, others)
    else this.others?.delete(reply.id)
    if (!this.tokens) return
    for (const [token, each] of this.tokens) if (each === reply) this.tokens.delete(token)
  }

  /** aside does something for a message that no server has taken: what happens meanwhile to the calls under way does not happen to this one. */
  async aside(id: string, work: () => Promise<void>): Promise<void> {
    const reply = this.byId?.get(id)
    this.byId?.delete(id)
    try {
      await work()
    } finally {
      if (reply && !reply.isOver?.()) this.byId?.set(id, reply)
    }
  }

  /** leave leaves each to whoever answers it next; where there will be none, it ends in `error`. */
  leave(error: RouterError): void {
    for (const reply of this.all())
      if (reply.abandon) reply.abandon()
      else reply.fail(error)
  }

  size(): number {
    return this.byId?.size ?? 0
  }

  all(): readonly Reply[] {
    return [...(this.byId?.values() ?? []), ...[...(this.others?.values() ?? [])].flat()]
  }

  /** pending are those that were answered 202. */
  pending(): readonly StreamReply[] {
    return this.all().filter((reply) => reply instanceof StreamReply)
  }

  /** noteActivity says that the server was heard of this call: it has its time anew. */
  noteActivity(message: Message, about: string): void {
    const reply = this.byId?.get(about) ?? this.ofToken(message)
    if (reply) renew(reply)
  }

  /** renewAll says that all calls have their time anew. */
  renewAll(): void {
    this.all().forEach(renew)
  }

  /** silentSince are those that the server was heard of last before `at`, and since when the longest of the others waits, as `performance.now()` counts. */
  silentSince(at: number): { readonly silent: readonly Reply[]; readonly oldest?: number } {
    const times = this.all().map((reply) => ({ reply, activeAt: reply.activeAt ?? Infinity }))
    const [silent, others] = [
      times.filter(({ activeAt }) => activeAt <= at).map(({ reply }) => reply),
      times.filter(({ activeAt }) => activeAt > at && activeAt < Infinity),
    ]
    if (others.length === 0) return { silent }
    return { silent, oldest: Math.min(...others.map(({ activeAt }) => activeAt)) }
  }

  /** outletFor picks where a message belongs: the call that it is about, else the newest under way; undefined: the client's own stream. */
  outletFor(message: Message, about: string, isStreamHeard: boolean): Reply | undefined {
    const known = this.byId?.get(about) ?? this.ofToken(message)
    if (known) return known
    const replies = [...(this.byId?.values() ?? [])]
    const listening = replies.findLast((reply) => !reply.isAway?.())
    // What is about no call in particular need not wait for a client that is away.
    return listening ?? (isStreamHeard ? undefined : replies.at(-1))
  }

  private ofToken(message: Message): Reply | undefined {
    if (!this.tokens || message.method !== 'notifications/progress') return undefined
    return this.tokens.get(progressTokenOf(message) ?? '')
  }
}

/** What is the router's own has a time of its own. */
const renew = (reply: Reply): void => {
  if (reply.activeAt !== Infinity) reply.activeAt = performance.now()
}
