import type { RouterError } from '@mcp-router/core'
import { progressTokenOf } from '@mcp-router/protocol'
import type { Message } from '@mcp-router/protocol'
import { discard } from '@mcp-router/upstream'
import type { Upstream } from '@mcp-router/upstream'
import { inTime } from '../../calls/call-deadline.js'
import { deadlinePassed } from '../../calls/silence.js'
import type { Deadlines } from '../../calls/deadlines.js'
import { CallWatch } from '../portable/call-watch.js'
import { LiveSession } from './live.js'
import type { LiveHooks } from './live-hooks.js'
import { Questions } from './questions.js'
import type { Replays } from '../../streams/replays.js'
import type { Reply } from '../../outlet/reply.js'

/** Limits of the calls of a Session; durations ms. */
interface Limits {
  readonly deadlines: Deadlines
  /** How long a server may leave a call alone. */
  readonly deadlineMs: () => number
  /** How long a client may take to answer what the server asks. */
  readonly inputTtlMs: number
}

/**
 * LimitedSession is a LiveSession whose server may not leave a call alone for longer than the deadline of its Backend. What the server says of
 * a call begins its time anew; while the client is asked, it is the client that takes its time.
 */
export class LimitedSession extends LiveSession {
  private readonly limits: Limits
  private readonly watch: CallWatch
  private askedAt = 0

  constructor(backend: string, hooks: LiveHooks, replays: Replays, limits: Limits) {
    super(backend, hooks, replays)
    this.limits = limits
    this.watch = new CallWatch(limits.deadlines, limits.deadlineMs, this)
  }

  override onMessage(message: Message, about = ''): void {
    if (message.kind === 'request' && !this.takesQuestion(message.id)) return
    if (message.kind === 'notification') this.heard(message, about)
    super.onMessage(message, about)
  }

  protected override finish(why: RouterError): Upstream | undefined {
    this.watch.end()
    return super.finish(why)
  }

  /** endSilent ends the calls that were last heard of before `at`, and returns when the oldest of the others was. */
  endSilent(at: number): number | undefined {
    const now = performance.now()
    if ((this.questions?.size() ?? 0) > 0 && now - this.askedAt < this.limits.inputTtlMs) return now
    let oldest: number | undefined
    const underway = [...(this.replies?.all() ?? []), ...this.pendingCalls.all()]
    for (const { id, activeAt = now } of underway) {
      if (activeAt <= at) this.giveUp(id)
      else if (activeAt < (oldest ?? Infinity)) oldest = activeAt
    }
    return oldest
  }

  /** A request has a watch of its own, which a word of the server begins anew. */
  override tell(message: Message): Promise<void> {
    const telling = super.tell(message)
    if (message.kind === 'request') return telling
    const { deadlines, deadlineMs } = this.limits
    return inTime(deadlines, { name: this.backend, deadlineMs: deadlineMs() }, telling)
  }

  protected override deliver(message: Message): Promise<void> {
    if (message.kind === 'request') this.watch.begin()
    // The answer of the client: from here on the server takes its time again.
    if (message.kind === 'response') {
      for (const reply of this.replies?.all() ?? []) renew(reply)
      this.pendingCalls.noteActivity()
    }
    return super.deliver(message)
  }

  /** takesQuestion tells that the client can be asked this. */
  private takesQuestion(id: string): boolean {
    this.askedAt = performance.now()
    this.questions ??= new Questions()
    const refuse = (response: Message): void => {
      if (this.upstream) discard(this.binding.send(this.upstream, response))
    }
    if (!this.questions.add(id, refuse)) return false
    if (this.lingers) discard(this.handOver())
    return true
  }

  private heard(message: Message, about: string): void {
    const token = progressTokenOf(message)
    const call = this.replies?.get(about) ?? this.replies?.withToken(token)
    if (call) renew(call)
    else if (token !== undefined) this.pendingCalls.noteActivity(token)
  }

  private giveUp(id: string): void {
    // A client must not take back its initialize (2025-11-25, cancellation).
    if (id !== this.initializeId) this.upstream?.cancel(this.binding.ids.of(id), true)
    this.endCall(id, deadlinePassed(this.backend, this.limits.deadlineMs()))
  }
}

/** What is the router's own has a time of its own. */
const renew = (call: Reply): void => {
  if (call.activeAt !== Infinity) call.activeAt = performance.now()
}
