import { asError } from '@mcp-router/core'
import type { Backend, Endpoint, Link } from '@mcp-router/core'
import { resultBytes } from '@mcp-router/protocol'
import type { Message } from '@mcp-router/protocol'
import type { Caller, SharedUpstream } from '@mcp-router/upstream'
import { deadlinePassed } from '../calls/silence.js'
import type { Timed } from '../calls/deadlines.js'
import { explained, failureOf } from '../calls/failure.js'
import type { Incoming } from '../http/incoming.js'
import { Recovery } from '../calls/recover.js'
import { respondError, respondJson } from '../http/respond.js'
import type { Context } from '../context.js'

/**
 * RouteCall is one `call` on its way to some Endpoint. It goes on to the next one only when a message was certainly not executed: never
 * sent, or refused for want of a session. One object per call and no promises while the Upstream is open: this is the hot path.
 */
export class RouteCall implements Caller, Timed {
  readonly dueAt: number
  previous: Link | undefined
  next: Link | undefined
  private readonly context: Context
  private readonly incoming: Incoming
  private readonly backend: Backend
  protected readonly message: Message
  private readonly deadlineMs: number
  private endpoint: Endpoint | undefined
  private shared: SharedUpstream | undefined
  private ticket: number | undefined
  private tried: Set<Endpoint> | undefined
  private attempt: object = {}
  private hasReopened = false
  private recovery: Recovery | undefined
  private over = false

  constructor(
    context: Context,
    incoming: Incoming,
    backend: Backend,
    message: Message,
    deadlineMs: number,
  ) {
    this.context = context
    this.incoming = incoming
    this.backend = backend
    this.message = message
    this.deadlineMs = deadlineMs
    this.dueAt = performance.now() + deadlineMs
  }

  start(): void {
    this.context.deadlines.add(this)
    this.incoming.whenClosed(() => {
      this.cancel()
      if (this.finish()) this.incoming.done(499, 'CLIENT_LEFT')
    })
    this.tryNext()
  }

  onAnswer(response: Buffer): void {
    if (!this.finish()) return
    if (this.endpoint) this.context.selector.worked(this.endpoint)
    this.deliver(response)
  }

  onFailed(error: Error): void {
    this.ticket = undefined
    if (this.over) return
    const { endpoint } = this
    if (!endpoint) {
      this.fail(error)
      return
    }
    const { backend, message, incoming } = this
    const call = { backend, message, requestId: incoming.requestId, at: incoming.at }
    this.recovery ??= new Recovery(this.context, call, Infinity)
    this.recovery.after(error, (decision, failure) => {
      if (this.over) return
      switch (decision) {
        case 'elsewhere':
          this.goOn(endpoint, error)
          return
        case 'reopen':
          if (this.hasReopened) break
          this.hasReopened = true
          this.drop(endpoint)
          this.open(endpoint)
          return
        case 'repeat':
          this.drop(endpoint)
          this.attempt = {}
          this.hasReopened = false
          this.tried = this.backend.endpoints.length > 1 ? new Set([endpoint]) : undefined
          this.tryNext()
          return
        case 'unknown':
        case 'fail':
          if (decision === 'unknown') this.drop(endpoint)
      }
      this.fail(explained(failure, this.message))
    })
  }

  onDue(): void {
    this.cancel(true)
    this.fail(deadlinePassed(this.backend.name, this.deadlineMs))
  }

  protected deliver(response: Buffer): void {
    respondJson(this.incoming, 200, response)
  }

  protected refuse(thrown: unknown): void {
    respondError(this.incoming, failureOf(this.backend.name, thrown))
  }

  /** The InitializeResult of the server that was asked last. */
  protected handshake(): Readonly<Record<string, unknown>> | undefined {
    return this.shared?.handshake.result
  }

  /** The Endpoint to try next; `tried` is undefined at first. It throws when there is none left. */
  protected choose(tried: ReadonlySet<Endpoint> | undefined): Endpoint {
    return this.context.selector.select(this.backend, tried)
  }

  private tryNext(): void {
    try {
      const endpoint = this.choose(this.tried)
      this.endpoint = endpoint
      this.incoming.endpoint = endpoint.id
      const shared = this.context.deps.pool.find(endpoint)
      if (shared) this.send(shared)
      else this.open(endpoint)
    } catch (error) {
      this.fail(error)
    }
  }

  /** goOn is for a call of which nothing was sent: it goes to the next Endpoint, or to all of them again where one that has just gone may come back. */
  private goOn(endpoint: Endpoint, error: Error): void {
    const { context, backend } = this
    context.selector.failed(endpoint)
    this.tried = (this.tried ?? new Set()).add(endpoint)
    if (this.tried.size < backend.endpoints.length) {
      this.tryNext()
      return
    }
    void context.selector.mayReturn(backend, this.attempt).then((may) => {
      if (!may) this.fail(error)
      if (this.over) return
      this.tried = undefined
      this.tryNext()
    })
  }

  private drop(endpoint: Endpoint): void {
    if (this.shared) this.context.deps.pool.drop(endpoint, this.shared)
  }

  private open(endpoint: Endpoint): void {
    this.context.deps.pool.open(this.backend, endpoint).then(
      (shared) => this.send(shared),
      (error: unknown) => this.onFailed(asError(error)),
    )
  }

  private send(shared: SharedUpstream): void {
    if (this.over) return
    this.shared = shared
    // The shared Upstream is initialised already; its own answer is repeated.
    if (this.message.method === 'initialize') {
      this.onAnswer(resultBytes(this.message.id, shared.handshake.result))
      return
    }
    try {
      this.ticket = shared.exchange.request(this.message, this)
    } catch (error) {
      this.fail(error)
    }
  }

  private cancel(isLate = false): void {
    if (this.ticket !== undefined) this.shared?.exchange.cancel(this.ticket, isLate)
    this.ticket = undefined
  }

  private fail(thrown: unknown): void {
    if (this.finish()) this.refuse(thrown)
  }

  private finish(): boolean {
    if (this.over) return false
    this.over = true
    this.ticket = undefined
    this.context.deadlines.remove(this)
    return true
  }
}
