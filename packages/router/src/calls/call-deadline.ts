import { RouterError } from '@mcp-router/core'
import type { Backend, Link } from '@mcp-router/core'
import type { Message } from '@mcp-router/protocol'
import { acceptedOf } from '../http/accept.js'
import type { Deadlines, Timed } from './deadlines.js'
import type { Incoming } from '../http/incoming.js'
import type { KeepAlive } from '../http/keep-alive.js'
import { respondError } from '../http/respond.js'

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

/** Clocks are those of the Instance. */
export interface Clocks {
  readonly deadlines: Deadlines
  readonly keep: KeepAlive
}

/**
 * limitSilence ends a call that its server leaves alone for too long, as if its client had left. Whatever the server says of the call begins
 * the time again (2025-11-25, lifecycle §Timeouts): a tool that reports progress may take as long as it likes. Its client is told nothing for
 * `keep.periodMs` at most where it takes a stream: the answer becomes one then, though nobody sends the request again from then on.
 * Where another Instance answers it is counted there.
 */
export const limitSilence = (
  { deadlines, keep }: Clocks,
  incoming: Incoming,
  backend: Backend,
): void => {
  const deadlineMs = incoming.deadlineMs === undefined ? backend.deadlineMs : Infinity
  const onPassed = (error: RouterError): void => end(incoming, error)
  const limit = new Silence(deadlines, incoming, backend, onPassed, deadlineMs)
  limit.quietFor(incoming, keep.periodMs)
  deadlines.add(limit)
  const pause = (): void => deadlines.remove(limit)
  const restart = (): void => {
    if (!incoming.isClosed()) limit.restart()
  }
  incoming.countdown = { pause, restart }
  incoming.whenClosed(pause)
}

/** streamWhenQuiet calls back where that client has been told nothing for so long: once, unless the response is over before. */
export const streamWhenQuiet = (
  { deadlines, keep }: Clocks,
  incoming: Incoming,
  onDue: () => void,
): void => {
  if (!acceptedOf(incoming.req.headers.accept).stream) return
  const dueAt = performance.now() + keep.periodMs
  const quiet: Timed = { dueAt, previous: undefined, next: undefined, onDue }
  deadlines.add(quiet)
  incoming.whenClosed(() => deadlines.remove(quiet))
}

/** Heard is what a server works on, and when it was last heard of it, as `performance.now()` counts. */
export interface Activity {
  activeAt?: number
}

/**
 * noteHeard restarts the deadline of the server: with each of its messages about the call, and with nothing else that it sends. It never
 * shortens what noteAsked granted.
 */
export const noteActivity = (heard: Activity): void => {
  heard.activeAt = Math.max(heard.activeAt ?? 0, performance.now())
}

/**
 * noteAsked gives the client its time where the server asks it something: that of the server begins behind it. The answer may pass another
 * Instance, so nobody here knows when it came.
 */
export const noteAsked = (heard: Activity, inputTtlMs: number): void => {
  heard.activeAt = performance.now() + inputTtlMs
}

/** isQuestion tells that a message of the server waits for its client's user, or may: a ping is answered at once. */
export const isQuestion = ({ kind, method }: Message): boolean =>
  kind === 'request' && method !== 'ping'

/** Limited is a server, and how long it may leave something alone, ms. */
type Limited = Pick<Backend, 'deadlineMs'> & { readonly name: string }

/** watchSilence does so for what may outlast the request of its client, or is one of several: whoever asked takes it out of the deadlines. */
export const watchSilence = (
  deadlines: Deadlines,
  heard: Activity,
  backend: Limited,
  onPassed: (error: RouterError) => void,
): Silence => {
  const limit = new Silence(deadlines, heard, backend, onPassed, backend.deadlineMs)
  deadlines.add(limit)
  return limit
}

/** inTime settles as `done` does, or rejects with DEADLINE_PASSED where that takes longer than the deadline. */
export const inTime = <T>(deadlines: Deadlines, backend: Limited, done: Promise<T>): Promise<T> =>
  new Promise((resolve, reject) => {
    const limit = watchSilence(deadlines, {}, backend, reject)
    const settled =
      <V>(settle: (value: V) => void) =>
      (value: V): void => {
        deadlines.remove(limit)
        settle(value)
      }
    done.then(settled(resolve), settled(reject))
  })

/** limitCall ends a call after `deadlineMs`, whatever its server says meanwhile. */
export const limitCall = (
  deadlines: Deadlines,
  incoming: Incoming,
  backend: Backend,
  deadlineMs: number,
): void => {
  incoming.deadlineMs = deadlineMs
  const limit: Timed = {
    dueAt: performance.now() + deadlineMs,
    previous: undefined,
    next: undefined,
    onDue: () => end(incoming, deadlinePassed(backend.name, deadlineMs, incoming.isUnsent)),
  }
  deadlines.add(limit)
  incoming.whenClosed(() => deadlines.remove(limit))
}

/** An answer that nobody writes yet is looked at again after this, ms. */
const quietAgainMs = 50

/** Silence is one such limit. */
export class Silence implements Timed {
  dueAt: number
  previous: Link | undefined
  next: Link | undefined
  private readonly deadlines: Deadlines
  private readonly heard: Activity
  private readonly backend: Limited
  private readonly onPassed: (error: RouterError) => void
  /** Where its address gave it a time, that is counted where it came in. */
  private readonly deadlineMs: number
  private incoming: Incoming | undefined
  private quietAt = Infinity

  constructor(
    deadlines: Deadlines,
    heard: Activity,
    backend: Limited,
    onPassed: (error: RouterError) => void,
    deadlineMs: number,
  ) {
    this.onPassed = onPassed
    this.deadlines = deadlines
    this.heard = heard
    this.backend = backend
    this.deadlineMs = deadlineMs
    heard.activeAt = performance.now()
    this.dueAt = heard.activeAt + deadlineMs
  }

  /** restart counts from now on. */
  restart(): void {
    noteActivity(this.heard)
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
    return Math.min(this.quietAt, (this.heard.activeAt ?? 0) + this.deadlineMs)
  }
}

const end = (incoming: Incoming, error: RouterError): void => {
  incoming.isLate = true
  respondError(incoming, error)
  // Whoever would have answered must not write any more; the Endpoint is told as if the client had left.
  incoming.close()
}
