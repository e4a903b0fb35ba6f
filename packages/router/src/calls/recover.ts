import type { Backend } from '@mcp-router/core'
import { didOf, RouterError, shortReason } from '@mcp-router/core'
import type { Message } from '@mcp-router/protocol'
import { mayTryElsewhere, SessionLost } from '@mcp-router/upstream'
import { failureOf } from './failure.js'
import { isBroken, outcomeUnknown } from './outcome.js'
import { isRetrySafe } from './retry-safe.js'
import type { ToolSources } from './retry-safe.js'

/**
 * Failure is what a Path reports: nothing of the call was sent; the Endpoint knows the session no more, so that it did not run; it was sent, and
 * the Endpoint went away before it answered; or the Endpoint, or the router itself, refuses it.
 */
export type Failure = 'never-sent' | 'session-forgotten' | 'broken' | 'refused'

/** Decision is what becomes of the call: another Endpoint; the same one in a new session; once more; its client hears that the outcome is unknown; or the error. */
export type Decision = 'elsewhere' | 'reopen' | 'repeat' | 'unknown' | 'fail'

/** isResent tells that the call is sent once more. */
export const isResent = (decision: Decision): boolean =>
  decision !== 'unknown' && decision !== 'fail'

/** Situation is what is known of the call. */
export interface Situation {
  readonly failure: Failure
  /** It may run twice. */
  readonly isSafe: boolean
  /** How often it was sent again behind a break so far. */
  readonly repeats: number
  /** How often it went elsewhere, or to a new session, since it was last sent in vain. */
  readonly attempts: number
  readonly maxAttempts: number
}

/** A request that may run twice is sent so often again at most when Endpoints go away with it: it may be what ends them. */
export const maxRepeats = 3

/** An Endpoint that went away so often with one call, and forgot its session each time, will again: another one is better. */
const flapping = 2

/** recover decides what becomes of a call behind a failure. */
export const recover = ({
  failure,
  isSafe,
  repeats,
  attempts,
  maxAttempts,
}: Situation): Decision => {
  switch (failure) {
    case 'never-sent':
      return attempts < maxAttempts ? 'elsewhere' : 'fail'
    case 'session-forgotten':
      if (attempts >= maxAttempts) return 'fail'
      return repeats < flapping && attempts < maxAttempts - 1 ? 'reopen' : 'elsewhere'
    case 'broken':
      if (!isSafe) return 'unknown'
      return repeats < maxRepeats ? 'repeat' : 'fail'
    case 'refused':
      return 'fail'
  }
}

/** failureKind tells what an error of an Endpoint, or on the way there, says of the message that met it. */
export const failureKind = (error: unknown): Failure => {
  if (error instanceof SessionLost) return 'session-forgotten'
  if (mayTryElsewhere(error)) return 'never-sent'
  return isBroken(error) ? 'broken' : 'refused'
}

/** Recovering is a call that may have to be sent more than once. */
export interface Recovering {
  readonly backend: Backend
  readonly message: Message
  /** X-Request-Id */
  readonly requestId?: string
  /** When it came, ms since the epoch. */
  readonly at: number
}

/** A message that no server has taken is sent so often again: a server may refuse what it has taken. */
const defaultAttempts = 2

/** Recovery is how it goes with one call: how often it was sent, and what its failures come to. */
export class Recovery {
  /** How often it was sent again behind a break. */
  repeats = 0
  /** How often it went elsewhere, or to a new session, since it was last sent in vain. */
  attempts = 0
  private readonly tools: ToolSources
  private readonly call: Recovering
  private readonly maxAttempts: number

  constructor(tools: ToolSources, call: Recovering, maxAttempts = defaultAttempts) {
    this.tools = tools
    this.call = call
    this.maxAttempts = maxAttempts
  }

  /**
   * after decides on a failure, and counts what it decides: `then` is called at once, or where the server has to be asked for its tools, once that
   * is known. `error` is what the client is told if it comes to that. `isTaken`: the server has shown that it had taken the call, whatever it says now,
   * and it must not see it twice.
   */
  after(
    thrown: unknown,
    then: (decision: Decision, error: RouterError) => void,
    isTaken = false,
  ): void {
    const kind = failureKind(thrown)
    const failure = isTaken && kind !== 'refused' ? 'broken' : kind
    if (failure !== 'broken') {
      this.decide(failure, thrown, false, then)
      return
    }
    const { backend, message } = this.call
    if (isTaken) this.repeats = maxRepeats
    void isRetrySafe(this.tools, backend, message)
      .catch(() => false)
      .then((isSafe) => {
        this.decide(failure, thrown, isSafe, then)
      })
  }

  private decide(
    failure: Failure,
    thrown: unknown,
    isSafe: boolean,
    then: (decision: Decision, error: RouterError) => void,
  ): void {
    const { repeats, attempts, maxAttempts } = this
    const decision = recover({ failure, isSafe, repeats, attempts, maxAttempts })
    if (decision === 'repeat') {
      this.repeats++
      this.attempts = 0
    } else if (decision === 'elsewhere' || decision === 'reopen') this.attempts++
    then(decision, this.errorOf(decision, failure, thrown))
  }

  private errorOf(decision: Decision, failure: Failure, thrown: unknown): RouterError {
    const { name: backend } = this.call.backend
    const isOpening = thrown instanceof RouterError && thrown.code === 'OPENING_FAILED'
    if (failure !== 'broken' || isOpening) return failureOf(backend, thrown)
    const [reason, did] = [shortReason(thrown), didOf(thrown)]
    if (decision !== 'unknown')
      return new RouterError('UPSTREAM_FAILED', { backend, reason, did }, thrown)
    return outcomeUnknown(
      { ...this.call, reason: `server "${backend}" ${did} (${reason})` },
      thrown,
    )
  }
}
