import type { RouterError } from '@mcp-router/core'
import type { Backend } from '@mcp-router/core'
import type { Message } from '@mcp-router/protocol'
import { acceptedOf } from '../http/accept.js'
import type { Deadlines, Timed } from './deadlines.js'
import type { Incoming } from '../http/incoming.js'
import type { KeepAlive } from '../http/keep-alive.js'
import { respondError } from '../http/respond.js'
import { Silence, deadlinePassed } from './silence.js'
import type { Activity, Limited } from './silence.js'

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

/** isQuestion tells that a message of the server waits for its client's user, or may: a ping is answered at once. */
export const isQuestion = ({ kind, method }: Message): boolean =>
  kind === 'request' && method !== 'ping'

/** watchSilence does so for what may outlast the request of its client, or is one of several: whoever asked takes it out of the deadlines. */
export const watchSilence = (
  deadlines: Deadlines,
  activity: Activity,
  backend: Limited,
  onPassed: (error: RouterError) => void,
): Silence => {
  const limit = new Silence(deadlines, activity, backend, onPassed, backend.deadlineMs)
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

const end = (incoming: Incoming, error: RouterError): void => {
  if (incoming.isAnswered) return
  incoming.isLate = true
  respondError(incoming, error)
  // Whoever would have answered must not write any more; the Endpoint is told as if the client had left.
  incoming.close()
}
