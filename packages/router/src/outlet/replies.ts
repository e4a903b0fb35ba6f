import { RouterError } from '@mcp-router/core'
import { progressTokenOf } from '@mcp-router/protocol'
import type { Message } from '@mcp-router/protocol'
import type { Reply } from './reply.js'
import { StreamReply } from './stream-reply.js'

/** Underway is one request under way. */
interface Underway {
  /** More than one where it came more than once, the newest last: which of them still has a client is not known yet. */
  readonly replies: Reply[]
  readonly token: string | undefined
  /** No server has it at present: it waits for one, or for what is decided about it. What happens to the Upstream does not happen to it. */
  isAside: boolean
  /** Names the last time that it was sent. */
  send?: object
}

/** Replies are the requests of an owned Session that are under way, by id and by progress token, each until its last Reply is over. */
export class Replies {
  // Both made with the first entry: most sessions of a crowd are idle, and few requests have a token.
  private calls: Map<string, Underway> | undefined
  private tokens: Map<string, Underway> | undefined

  /**
   * add takes a request that is to be sent. False: it is under way already and came again, because an Instance on its way went away; the answer
   * goes to both. It throws INVALID_REQUEST for another request of the same id.
   */
  add(message: Message, reply: Reply): boolean {
    const earlier = this.calls?.get(message.id)
    const first = earlier?.replies.at(-1)
    if (first === reply) return false
    if (earlier && first) {
      const comesAgain = first.requestId !== undefined && first.requestId === reply.requestId
      if (!comesAgain) {
        const reason = `id ${message.id} is already in flight`
        throw new RouterError('INVALID_REQUEST', { reason })
      }
      if (!reply.yieldTo?.(first)) {
        earlier.replies.push(reply)
        renew(reply)
      }
      return false
    }
    const token = progressTokenOf(message)
    const call: Underway = { replies: [reply], token, isAside: false }
    this.calls = (this.calls ?? new Map<string, Underway>()).set(message.id, call)
    if (token !== undefined)
      this.tokens = (this.tokens ?? new Map<string, Underway>()).set(token, call)
    renew(reply)
    return true
  }

  get(id: string): Reply | undefined {
    return this.calls?.get(id)?.replies.at(-1)
  }

  /** isAwaited tells that somebody waits for the request of this Reply: itself, or one that it came again for. */
  isAwaited(reply: Reply): boolean {
    return this.callOf(reply) !== undefined
  }

  /** hasToken tells that a request under way asks for progress by this token. */
  hasToken(token: string): boolean {
    return this.tokens?.has(token) ?? false
  }

  answer(message: Message): void {
    for (const reply of this.repliesOf(message.id)) reply.answer(message)
  }

  /** fail ends the request of this id, answered or not. */
  fail(id: string, error: RouterError): void {
    for (const reply of this.repliesOf(id)) reply.fail(error)
  }

  /** giveUp ends the request of this Reply, whatever could be done about it. */
  giveUp(reply: Reply, error: RouterError): void {
    for (const each of this.callOf(reply)?.replies.toReversed() ?? [])
      if (each.giveUp) each.giveUp(error)
      else each.fail(error)
  }

  /** failSent ends what a server has, which is gone. */
  failSent(error: RouterError): void {
    for (const reply of this.all((call) => !call.isAside)) reply.fail(error)
  }

  release(reply: Reply): void {
    const call = this.calls?.get(reply.id)
    const at = call?.replies.indexOf(reply) ?? -1
    if (!call || at < 0) return
    call.replies.splice(at, 1)
    if (call.replies.length > 0) return
    this.calls?.delete(reply.id)
    const { token } = call
    if (token !== undefined && this.tokens?.get(token) === call) this.tokens.delete(token)
  }

  /** sending notes that a request is being sent; what it returns tells that this was the last time, and that a server may have it. */
  sending(reply: Reply): () => boolean {
    const call = this.callOf(reply)
    const send = {}
    if (call) call.send = send
    return () => call?.send === send && !call.isAside && this.callOf(reply) === call
  }

  /** setAside is for a request that no server has at present; what it returns is for when it is sent on. Undefined: that is seen to already, or it is over. */
  setAside(reply: Reply): (() => void) | undefined {
    const call = this.callOf(reply)
    if (!call || call.isAside) return undefined
    call.isAside = true
    return () => {
      call.isAside = false
      // Its deadline starts with the server that it is sent to now.
      call.replies.forEach(renew)
    }
  }

  /** leave leaves each to whoever answers it next; where there will be none, it ends in `error`. What no server has yet is seen to by who sends it. */
  leave(error: RouterError): void {
    for (const reply of this.all((call) => !call.isAside || call.replies[0] instanceof StreamReply))
      if (reply.abandon) reply.abandon()
      else reply.fail(error)
  }

  size(): number {
    return this.calls?.size ?? 0
  }

  /** pending are those that were answered 202. */
  pending(): readonly StreamReply[] {
    return this.all().filter((reply) => reply instanceof StreamReply)
  }

  /** noteActivity restarts the deadline of the call that the server says something about. */
  noteActivity(message: Message, about: string): void {
    this.callAbout(message, about)?.replies.forEach(renew)
  }

  /** renewAll restarts the deadlines of all calls. */
  renewAll(): void {
    this.all().forEach(renew)
  }

  /** silentSince are those that the server was heard of last before `at`, and since when the longest of the others waits, as `performance.now()` counts. */
  silentSince(at: number): { readonly silent: readonly Reply[]; readonly oldest?: number } {
    const now = performance.now()
    // What no server has at present is sent to one in a moment: its time is to be looked at then.
    const times = [...(this.calls?.values() ?? [])].flatMap(({ replies, isAside }) =>
      replies.map((reply) => {
        const { activeAt = Infinity } = reply
        return { reply, activeAt: isAside && activeAt < Infinity ? now : activeAt }
      }),
    )
    const silent = times.filter(({ activeAt }) => activeAt <= at).map(({ reply }) => reply)
    const others = times.filter(({ activeAt }) => activeAt > at && activeAt < Infinity)
    if (others.length === 0) return { silent }
    return { silent, oldest: Math.min(...others.map(({ activeAt }) => activeAt)) }
  }

  /** outletFor picks where a message belongs: the call that it is about, else the newest under way; undefined: the client's own stream. */
  outletFor(message: Message, about: string, isStreamHeard: boolean): Reply | undefined {
    const known = this.callAbout(message, about)?.replies.at(-1)
    if (known) return known
    const sent = [...(this.calls?.values() ?? [])].filter(({ isAside }) => !isAside)
    const newest = sent.flatMap(({ replies }) => replies.slice(-1))
    const listening = newest.findLast((reply) => !reply.isAway?.())
    // What is about no call in particular need not wait for a client that is away.
    return listening ?? (isStreamHeard ? undefined : newest.at(-1))
  }

  /** The newest first. */
  private repliesOf(id: string): readonly Reply[] {
    return this.calls?.get(id)?.replies.toReversed() ?? []
  }

  private all(isMeant: (call: Underway) => boolean = () => true): readonly Reply[] {
    return [...(this.calls?.values() ?? [])].filter(isMeant).flatMap(({ replies }) => replies)
  }

  private callOf(reply: Reply): Underway | undefined {
    const call = this.calls?.get(reply.id)
    const isSame = ({ requestId }: Reply): boolean =>
      requestId !== undefined && requestId === reply.requestId
    return call?.replies.some((each) => each === reply || isSame(each)) ? call : undefined
  }

  private callAbout(message: Message, about: string): Underway | undefined {
    const call = this.calls?.get(about)
    if (call || !this.tokens || message.method !== 'notifications/progress') return call
    return this.tokens.get(progressTokenOf(message) ?? '')
  }
}

/** What is the router's own has a time of its own. */
const renew = (reply: Reply): void => {
  if (reply.activeAt !== Infinity) reply.activeAt = performance.now()
}
