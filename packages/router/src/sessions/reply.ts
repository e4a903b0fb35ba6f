import { errorBytes } from '@mcp-router/protocol'
import type { Message } from '@mcp-router/protocol'
import type { Link, RouterError } from '@mcp-router/core'
import type { Deadlines, Timed } from '../deadlines.js'
import type { Incoming } from '../incoming.js'
import type { KeepAlive } from '../keep-alive.js'
import { respondError, respondJson } from '../respond.js'
import type { Form, Replay } from './replay.js'
import type { Replays } from './replays.js'
import { openStream } from './stream.js'

/**
 * Reply answers one POSTed request of an owned Session: as JSON when the response is all there is, as a stream once something else comes
 * first (spec 2025-03-26, transports: the server may choose).
 */
export interface Reply {
  readonly id: string
  /** Passes on what the server says while it works. */
  say(message: Message): void
  /** The response: ends the Reply. */
  answer(message: Message): void
  fail(error: RouterError): void
  /** True while its client is gone and may come back. A Reply without this is over when its client leaves. */
  isAway?(): boolean
}

/** ReplySession is what a Reply needs of its Session. */
export interface ReplySession {
  readonly replays: Replays
  /** Comes once, when the Reply is over, answered or not. */
  release(reply: Reply): void
}

interface Clocks {
  readonly keep: KeepAlive
  readonly deadlines: Deadlines
}

/** A client that is primed gets a stream when the answer takes longer than this, ms: then it can resume. */
const patienceMs = 250

/** openReply waits for the answer, and beyond the client's leaving where it can come back for it. */
export const openReply = (
  incoming: Incoming,
  clocks: Clocks,
  session: ReplySession,
  form: Form,
): Reply => new PostReply(incoming, clocks, session, form)

/** There is one for each call: a class, whose functions all of them share. */
class PostReply implements Reply, Timed {
  readonly id: string
  previous: Link | undefined
  next: Link | undefined
  dueAt = 0
  private readonly incoming: Incoming
  private readonly clocks: Clocks
  private readonly session: ReplySession
  private readonly form: Form
  private replay: Replay | undefined
  private over = false

  constructor(incoming: Incoming, clocks: Clocks, session: ReplySession, form: Form) {
    this.id = incoming.id
    this.incoming = incoming
    this.clocks = clocks
    this.session = session
    this.form = form
    incoming.whenClosed(() => this.onClosed())
    if (form !== 'primed') return
    this.dueAt = performance.now() + patienceMs
    clocks.deadlines.add(this)
  }

  say(message: Message): void {
    if (!this.over) this.begin().say(message.bytes)
  }

  answer(message: Message): void {
    if (!this.finish()) return
    if (this.replay) this.conclude(this.replay, message.bytes, 'ok')
    else respondJson(this.incoming, 200, message.bytes)
  }

  fail(error: RouterError): void {
    if (!this.finish()) return
    const told = (): Buffer => errorBytes(this.id, error.rpc, error.message)
    if (this.replay) this.conclude(this.replay, told(), error.code)
    else respondError(this.incoming, error)
  }

  isAway(): boolean {
    return this.replay !== undefined && !this.replay.isHeard()
  }

  onDue(): void {
    if (!this.over) this.begin()
  }

  private begin(): Replay {
    if (this.replay) return this.replay
    this.clocks.deadlines.remove(this)
    const replay = this.session.replays.open(this.id, () => this.finish())
    const stream = openStream(this.incoming.res, this.clocks.keep, () => replay.detach(stream))
    replay.attach(stream, this.form)
    this.replay = replay
    return replay
  }

  private conclude(replay: Replay, last: Buffer, outcome: string): void {
    replay.say(last)
    replay.end()
    this.incoming.done(200, outcome)
  }

  /** Leaving is no cancellation (spec 2025-03-26, transports): whoever has an event id can come back for the rest. */
  private onClosed(): void {
    if (this.over) return
    if (!this.replay || this.form === 'plain') this.finish()
    this.incoming.done(499, 'CLIENT_LEFT')
  }

  private finish(): boolean {
    if (this.over) return false
    this.over = true
    this.clocks.deadlines.remove(this)
    this.session.release(this)
    return true
  }
}
