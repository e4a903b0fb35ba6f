import type { Link } from '@mcp-router/core'
import type { Deadlines, Timed } from '../../calls/deadlines.js'

/** Watched is a Session that has calls under way. */
interface Watched {
  /** Ends the calls that were last heard of before `at`, and returns when the oldest of the others was, as `performance.now()` counts. */
  endSilent(at: number): number | undefined
}

/** CallWatch sees to it that no call of an owned Session waits longer than its Backend's deadline: one timer for all of them, and none while idle. */
export class CallWatch implements Timed {
  dueAt = 0
  previous: Link | undefined
  next: Link | undefined
  private readonly deadlines: Deadlines
  private readonly deadlineMs: () => number
  private readonly watched: Watched
  private isOn = false

  constructor(deadlines: Deadlines, deadlineMs: () => number, watched: Watched) {
    this.deadlines = deadlines
    this.deadlineMs = deadlineMs
    this.watched = watched
  }

  /** begin is for each call that is sent. */
  begin(): void {
    if (!this.isOn) this.wait(performance.now())
  }

  end(): void {
    this.deadlines.remove(this)
    this.isOn = false
  }

  onDue(): void {
    this.isOn = false
    const oldest = this.watched.endSilent(performance.now() - this.deadlineMs())
    if (oldest !== undefined) this.wait(oldest)
  }

  private wait(since: number): void {
    this.isOn = true
    this.dueAt = since + this.deadlineMs()
    this.deadlines.add(this)
  }
}
