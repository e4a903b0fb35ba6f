import { RouterError } from '@mcp-router/core'
import type { Backend, Link } from '@mcp-router/core'
import { acceptedOf } from '../http/accept.js'
import type { Incoming } from '../http/incoming.js'
import type { Deadlines, Timed } from './deadlines.js'

/** deadlinePassed names the server, and how long it was silent. `isUnsent`: it got nothing of the call. */
export const deadlinePassed = (
  backend: string,
  deadlineMs: number,
  isUnsent = false,
): RouterError =>
  new RouterError('DEADLINE_PASSED', {
    backend,
    seconds: deadlineMs / 1_000,
    ...(isUnsent && { isUnsent }),
  })

/** Activity is what a server works on, and when it was last heard of it, as `performance.now()` counts. */
export interface Activity {
  activeAt?: number
}

/**
 * noteActivity restarts the deadline of the server: with each of its messages about the call, and with nothing else that it sends. It never
 * shortens what noteAsked granted.
 */
export const noteActivity = (activity: Activity): void => {
  activity.activeAt = Math.max(activity.activeAt ?? 0, performance.now())
}

/**
 * noteAsked gives the client its time where the server asks it something: that of the server begins behind it. The answer may pass another
 * Instance, so nobody here knows when it came.
 */
export const noteAsked = (activity: Activity, inputTtlMs: number): void => {
  activity.activeAt = performance.now() + inputTtlMs
}

/** Limited is a server, and how long it may leave something alone, ms. */
export type Limited = Pick<Backend, 'deadlineMs'> & { readonly name: string }

/** An answer that nobody writes yet is looked at again after this, ms. */
const quietAgainMs = 50

/** Silence is one such limit. */
export class Silence implements Timed {
  dueAt: number
  previous: Link | undefined
  next: Link | undefined
  private readonly deadlines: Deadlines
  private readonly activity: Activity
  private readonly backend: Limited
  private readonly onPassed: (error: RouterError) => void
  /** Where its address gave it a time, that is counted where it came in. */
  private readonly deadlineMs: number
  private incoming: Incoming | undefined
  private quietAt = Infinity

  constructor(
    deadlines: Deadlines,
    activity: Activity,
    backend: Limited,
    onPassed: (error: RouterError) => void,
    deadlineMs: number,
  ) {
    this.onPassed = onPassed
    this.deadlines = deadlines
    this.activity = activity
    this.backend = backend
    this.deadlineMs = deadlineMs
    activity.activeAt = performance.now()
    this.dueAt = activity.activeAt + deadlineMs
  }

  /** restart counts from now on. */
  restart(): void {
    noteActivity(this.activity)
    this.dueAt = this.nextAt()
    this.deadlines.add(this)
  }

  /** quietFor has the answer become a stream where its client was told nothing for so long, ms. */
  quietFor(incoming: Incoming, quietMs: number): void {
    this.incoming = incoming
    this.quietAt = performance.now() + quietMs
    this.dueAt = Math.min(this.dueAt, this.quietAt)
  }

  onDue(): void {
    const { incoming, backend, deadlineMs } = this
    const now = performance.now()
    if (now >= this.quietAt) {
      // While nobody writes the answer yet, it cannot become a stream.
      this.quietAt = incoming && !incoming.quiet ? now + quietAgainMs : Infinity
      if (acceptedOf(incoming?.req.headers.accept).stream) incoming?.quiet?.onQuiet()
    }
    // It was not moved with everything that was said: that would cost more than to look once.
    this.dueAt = this.nextAt()
    if (this.dueAt > now) this.deadlines.add(this)
    else this.onPassed(deadlinePassed(backend.name, deadlineMs, incoming?.isUnsent))
  }

  private nextAt(): number {
    return Math.min(this.quietAt, (this.activity.activeAt ?? 0) + this.deadlineMs)
  }
}
