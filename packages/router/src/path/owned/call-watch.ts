import type { Link, RouterError } from '@mcp-router/core'
import type { Timed } from '../../calls/deadlines.js'
import { deadlinePassed } from '../../calls/silence.js'
import type { Replies } from '../../outlet/replies.js'
import type { LiveLimits } from './live-hooks.js'
import type { Questions } from './questions.js'

/** Watched is a Session that has calls under way. */
interface Watched {
  readonly backend: string
  readonly replies: Pick<Replies, 'silentSince'>
  readonly questions: Pick<Questions, 'size' | 'askedAt'>
  /** Ends a call that its server still works on. */
  giveUp(id: string, error: RouterError): void
}

/**
 * CallWatch sees to it that no call of an owned Session waits longer than its Backend's deadline: one timer for all of them, and none while idle.
 * What the server says of a call restarts its deadline; while the client is asked, no deadline runs but that of the client.
 */
export class CallWatch implements Timed {
  dueAt = 0
  previous: Link | undefined
  next: Link | undefined
  private readonly limits: LiveLimits
  private readonly watched: Watched
  private isOn = false

  constructor(limits: LiveLimits, watched: Watched) {
    this.limits = limits
    this.watched = watched
  }

  /** begin is for each call that is sent. */
  begin(): void {
    if (!this.isOn) this.wait(performance.now())
  }

  end(): void {
    this.limits.deadlines.remove(this)
    this.isOn = false
  }

  onDue(): void {
    this.isOn = false
    const { backend, replies, questions } = this.watched
    const now = performance.now()
    if (questions.size() > 0 && now - questions.askedAt < this.limits.inputTtlMs) {
      this.wait(now)
      return
    }
    const deadlineMs = this.limits.deadlineMs()
    const { silent, oldest } = replies.silentSince(now - deadlineMs)
    for (const { id } of silent) this.watched.giveUp(id, deadlinePassed(backend, deadlineMs))
    if (oldest !== undefined) this.wait(oldest)
  }

  private wait(since: number): void {
    this.isOn = true
    this.dueAt = since + this.limits.deadlineMs()
    this.limits.deadlines.add(this)
  }
}
