import { errorBytes } from '@mcp-router/protocol'
import type { Message } from '@mcp-router/protocol'
import { RouterError } from '@mcp-router/core'
import type { Link } from '@mcp-router/core'
import { acceptedOf } from '../http/accept.js'
import type { Deadlines, Timed } from '../calls/deadlines.js'
import type { Accepted, Incoming } from '../http/incoming.js'
import type { KeepAlive } from '../http/keep-alive.js'
import { isBroken, outcomeUnknown } from '../calls/outcome.js'
import { respondError, respondJson } from '../http/respond.js'
import type { Form, Replay } from '../streams/replay.js'
import type { Replays } from '../streams/replays.js'
import { openStream } from './stream.js'

/**
 * Reply answers one POSTed request of an owned Session: as JSON when the response is all there is, as a stream once something else comes
 * first (spec 2025-03-26, transports: the server may choose).
 */
export interface Reply {
  readonly id: string
  /** X-Request-Id: the same one says that the same request came again. */
  readonly requestId?: string | undefined
  /** When the server was last heard of it, as `performance.now()` counts; Infinity: it has a time of its own. */
  activeAt?: number
  /** Passes on what the server says while it works. */
  say(message: Message): void
  /** The response: ends the Reply. */
  answer(message: Message): void
  fail(error: RouterError): void
  /** True while its client is gone and may come back. A Reply without this is over when its client leaves. */
  isAway?(): boolean
  isOver?(): boolean
  /** Tells the client, whatever could be done about it. */
  giveUp?(error: RouterError): void
  /** Goes on towards the same request, which came again. False: it is over. */
  moveTo?(incoming: Incoming): boolean
  /** Leaves its request to the Reply that the same one got before. False: that one cannot take it. */
  yieldTo?(earlier: Reply): boolean
  /** Breaks off as if this process had ended, so that whoever has the Session next sees to the request. */
  abandon?(wasSent?: boolean): void
}

/** RepeatableReply is the Reply of a request that may be sent again when its server goes away. */
export interface RepeatableReply extends Reply {
  isOver(): boolean
  /** Tells the client, whatever could be done about it. */
  giveUp(error: RouterError): void
}

/** OnBroken sees to a request whose server went away with it: it is sent again, or given up. */
export type OnBroken = (error: RouterError, reply: RepeatableReply) => void

/** failReply ends a request that is not over. Without `onBroken` its client is told so when the server went away. */
export const failReply = (
  reply: RepeatableReply,
  error: RouterError,
  onBroken: OnBroken | undefined,
): void => {
  if (onBroken && isBroken(error)) onBroken(error, reply)
  else reply.giveUp(error)
}

/** ReplySession is what a Reply needs of its Session. */
export interface ReplySession {
  readonly replays: Pick<Replays, 'open'>
  /** Comes once, when the Reply is over, answered or not. */
  release(reply: Reply): void
}

interface Clocks {
  readonly keep: KeepAlive
  readonly deadlines: Deadlines
}

/**
 * A client that is primed gets a stream when the answer takes longer than this, ms: then it can resume. Another one gets it before its connection
 * looks dead to what is between them.
 */
const patienceMs = 250

/** StreamHooks hear of an answer that becomes a stream which its client can resume. */
export interface StreamHooks {
  /** It becomes the stream of this name; resolves once its head may leave. */
  begin(stream: string): Promise<void>
  /** All of it was said; `isHeard`: to a client that was there. */
  end(answer: Buffer, isReceived: boolean): void
}

/** ReplyTerms are how a Reply tells its client what. */
export interface ReplyTerms {
  readonly form: Form
  readonly onBroken?: OnBroken
  /** Told when it becomes a stream that its client can resume. */
  readonly streamed?: StreamHooks
  /** Its client came back for the rest of a stream: it is one from the start. */
  readonly isResumed?: boolean
}

/** openReply waits for the answer, and beyond the client's leaving where it can come back for it. */
export const openReply = (
  incoming: Incoming,
  clocks: Clocks,
  session: ReplySession,
  terms: ReplyTerms,
): PostReply => new PostReply(incoming, clocks, session, terms)

/** PostReply: there is one for each call, so it is a class, whose functions all of them share. */
export class PostReply implements RepeatableReply, Timed {
  readonly id: string
  readonly requestId: string | undefined
  activeAt?: number
  previous: Link | undefined
  next: Link | undefined
  dueAt = 0
  private incoming: Incoming
  /** Requests that came again as another one: their answer is the same. */
  private formers: Incoming[] | undefined
  private readonly accepted: Accepted | undefined
  private readonly clocks: Clocks
  private readonly session: ReplySession
  private readonly terms: ReplyTerms
  private replay: Replay | undefined
  private isOpen = false
  private over = false

  constructor(incoming: Incoming, clocks: Clocks, session: ReplySession, terms: ReplyTerms) {
    this.id = incoming.id
    this.requestId = incoming.mayComeAgain ? incoming.requestId : undefined
    this.incoming = incoming
    this.clocks = clocks
    this.session = session
    this.terms = terms
    this.accepted = incoming.accepted
    this.accepted?.keep((again) => this.moveTo(again))
    incoming.whenClosed(() => this.onClosed(incoming))
    if (terms.isResumed) {
      this.begin()
      return
    }
    const isPrimed = terms.form === 'primed'
    if (!isPrimed && !acceptedOf(incoming.req.headers.accept).stream) return
    this.dueAt = performance.now() + (isPrimed ? patienceMs : clocks.keep.periodMs)
    clocks.deadlines.add(this)
  }

  say(message: Message): void {
    // What the server asks waits for the request to come again, where it may.
    const isAwaited = this.accepted !== undefined && message.kind === 'request'
    if (this.over || (this.isLeft() && !isAwaited)) return
    this.begin().say(message.bytes)
    // The server waits for somebody to answer.
    if (message.kind === 'request') this.open()
  }

  answer(message: Message): void {
    if (!this.finish()) return
    this.accepted?.finish(message.bytes, this.incoming.isClosed())
    if (this.replay) this.conclude(this.replay, message.bytes, 'ok')
    else if (!this.incoming.isClosed()) respondJson(this.incoming, 200, message.bytes)
    this.answerFormers(message.bytes)
  }

  moveTo(incoming: Incoming): boolean {
    if (this.over) return false
    this.formers = [...(this.formers ?? []), this.incoming]
    this.incoming = incoming
    this.isOpen = false
    incoming.whenClosed(() => this.onClosed(incoming))
    // Nobody knows which of its events the first one got.
    if (this.replay) this.open(0)
    return true
  }

  yieldTo(earlier: Reply): boolean {
    if (!earlier.moveTo?.(this.incoming)) return false
    this.over = true
    this.clocks.deadlines.remove(this)
    return true
  }

  private answerFormers(answer: Buffer): void {
    for (const former of this.formers ?? [])
      if (!former.isClosed() && !former.res.headersSent) respondJson(former, 200, answer)
  }

  fail(error: RouterError): void {
    if (!this.over) failReply(this, error, this.terms.onBroken)
  }

  giveUp(error: RouterError): void {
    if (!this.finish()) return
    const errorResponse = errorBytes(this.id, error.rpc, error.message, error.publicData)
    this.accepted?.finish(errorResponse, this.incoming.isClosed())
    if (this.replay) this.conclude(this.replay, errorResponse, error.code)
    else respondError(this.incoming, error)
    this.answerFormers(errorResponse)
  }

  abandon(wasSent = true): void {
    if (this.isOpen && !this.replay?.canResume()) {
      this.giveUp(wasSent ? outcomeUnknown(this.incoming) : new RouterError('OWNER_UNREACHABLE'))
      return
    }
    if (!this.finish()) return
    // A client that has ids comes back for the rest; what has not begun is sent on.
    if (this.isOpen) this.replay?.end()
    else this.sendOn(wasSent)
    this.incoming.done(499, 'HANDED_OVER')
  }

  private sendOn(wasSent: boolean): void {
    const { res } = this.incoming
    if (this.accepted && !wasSent) void this.accepted.release().then(() => res.destroy())
    else res.destroy()
  }

  isAway(): boolean {
    return this.isLeft() || (this.isOpen && !this.replay?.isConnected())
  }

  isOver(): boolean {
    return this.over
  }

  onDue(): void {
    if (!this.over && !this.isLeft()) this.begin()
  }

  /** Nobody listens, and nobody can come back for a stream that never began. */
  private isLeft(): boolean {
    return !this.isOpen && this.incoming.isClosed()
  }

  private begin(): Replay {
    if (this.replay) return this.replay
    this.clocks.deadlines.remove(this)
    this.replay = this.session.replays.open(this.id, () => this.finish())
    const { form, streamed } = this.terms
    if (form === 'plain' || !streamed) this.open()
    // Until it is noted, Nginx may send it to another Instance.
    else void streamed.begin(this.replay.name).then(() => this.open())
    return this.replay
  }

  /** open sends the head of the stream, and what was said meanwhile. */
  private open(after?: number): void {
    const { incoming, replay } = this
    if (!replay || this.isOpen || incoming.isClosed()) return
    this.isOpen = true
    const stream = openStream(incoming.res, this.clocks.keep, () => replay.detach(stream))
    replay.attach(stream, this.terms.form, after)
  }

  private conclude(replay: Replay, last: Buffer, outcome: string): void {
    this.open()
    const isHeard = replay.isConnected()
    replay.say(last)
    replay.end()
    if (this.terms.form !== 'plain') this.terms.streamed?.end(last, isHeard)
    this.incoming.done(200, outcome)
  }

  /**
   * Leaving is no cancellation (spec 2025-03-26, transports): whoever has an event id can come back for the rest, and a request that must not
   * run twice may be sent again.
   */
  private onClosed(incoming: Incoming): void {
    if (this.over) return
    const isAwaited = this.isOpen ? this.terms.form !== 'plain' : this.accepted !== undefined
    if (incoming === this.incoming && !isAwaited) this.finish()
    incoming.done(499, 'CLIENT_LEFT')
  }

  private finish(): boolean {
    if (this.over) return false
    this.over = true
    this.clocks.deadlines.remove(this)
    this.session.release(this)
    if (this.incoming.isClosed()) this.accepted?.drop()
    return true
  }
}
