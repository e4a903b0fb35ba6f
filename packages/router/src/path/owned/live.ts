import type { Endpoint } from '@mcp-router/core'
import { RouterError } from '@mcp-router/core'
import { cancelledId, isStrayProgress } from '@mcp-router/protocol'
import type { Message } from '@mcp-router/protocol'
import { discard } from '@mcp-router/upstream'
import type { Upstream, UpstreamListener } from '@mcp-router/upstream'
import { failureOf } from '../../calls/failure.js'
import { isBroken, wasNotExecuted, maxResends, outcomeUnknown } from '../../calls/outcome.js'
import type { Recovery } from '../../calls/recover.js'
import { readAgreement } from '../../calls/read-revision.js'
import { aside } from './aside.js'
import { backendSessionOf } from './backend-session.js'
import type { BackendSession } from './backend-session.js'
import type { ClientNotes } from './client-notes.js'
import { PendingCalls } from './pending-calls.js'
import { UpstreamBinding } from './upstream-binding.js'
import type { LiveHooks, CallRef } from './live-hooks.js'
import { askOwn } from './own-request.js'
import type { Form } from '../../streams/replay.js'
import { Replays } from '../../streams/replays.js'
import { Replies } from '../../outlet/replies.js'
import type { Questions } from './questions.js'
import type { Reply } from '../../outlet/reply.js'
import type { Stream } from '../../outlet/stream.js'
import type { Revival } from './revival.js'
import { TaskTokens } from './task-tokens.js'

/**
 * LiveSession is an owned Session at its Owner: one Upstream of its own, and the way back to the client:
 * its Stream, and a Reply for each POST that waits for an answer.
 */
export class LiveSession implements UpstreamListener {
  readonly replays: Replays
  readonly revival: Revival = { underway: undefined, failures: 0, notBefore: 0, since: 0 }
  private ready = false
  protected binding = new UpstreamBinding(this)
  protected upstream: Upstream | undefined
  // Made with the first entry: most sessions of a crowd are idle.
  protected replies: Replies | undefined
  readonly pendingCalls: PendingCalls
  private readonly tasks = new TaskTokens()
  /** What the server asked the client, and was not answered yet. */
  protected questions: Questions | undefined
  protected lingers = false
  protected initializeId = ''
  readonly client: ClientNotes = {}
  /** What its server offers (InitializeResult). */
  capabilities: unknown
  readonly backend: string
  private readonly hooks: LiveHooks
  private over = false
  /** Set while an `initialize` is being accepted. */
  initializing: Promise<unknown> | undefined

  constructor(backend: string, hooks: LiveHooks, replays = new Replays()) {
    this.backend = backend
    this.hooks = hooks
    this.replays = replays
    this.pendingCalls = new PendingCalls(replays.standalone, hooks)
  }

  /** hear is the listener for its next Upstream; what an earlier one still says counts no more. */
  bind(): UpstreamListener {
    this.binding = new UpstreamBinding(this)
    return this.binding
  }

  isBoundTo(binding: UpstreamListener): boolean {
    return this.binding === binding
  }

  connect(upstream: Upstream): void {
    this.upstream = upstream
    this.ready = true
  }

  isOver(): boolean {
    return this.over
  }

  isOn(upstream: Upstream): boolean {
    return this.upstream === upstream
  }

  isReady(): boolean {
    return this.ready
  }

  /** begin goes on over a new Upstream, which is not ready. */
  begin(upstream: Upstream): void {
    if (this.over) throw new RouterError('SESSION_NOT_FOUND')
    this.upstream = upstream
  }

  backendSession(): BackendSession {
    return backendSessionOf(this.upstream)
  }

  /** attach sends what the server says to this Stream from now on; an earlier one is ended. It returns which answers had waited for it. */
  attach(stream: Stream, form: Form, streamId?: string): ReadonlySet<string> {
    this.replays.standalone.attach(stream, form, undefined, streamId)
    return this.pendingCalls.onConnected()
  }

  /** request sends a request whose answer goes to its own Reply. One that comes again, while the first is under way, gets its answer. */
  async request(message: Message, reply: Reply): Promise<void> {
    this.replies ??= new Replies()
    if (!this.replies.add(message, reply)) return
    await this.deliver(message).catch((error: unknown) => {
      // It was let go of before this was sent: whoever has the Session now is sent it again, and knows whether there is one.
      if (this.over && reply.abandon) reply.abandon(false)
      // Else it was failed when its Upstream ended, and may be on its way again.
      else if (this.replies?.get(message.id) === reply) reply.fail(failureOf(this.backend, error))
    })
  }

  release(reply: Reply): void {
    this.replies?.release(reply)
  }

  /** tell sends what needs no answer, or whose answer goes to the Stream. It rejects when it could not be delivered. */
  async tell(message: Message): Promise<void> {
    if (message.method === 'notifications/cancelled') {
      this.endCall(cancelledId(message), new RouterError('CANCELLED'))
    }
    await this.deliver(message)
    if (message.method === 'notifications/initialized') this.upstream?.listen()
  }

  /** endCall ends a call under way without its server, which may answer or not: the id is free at once. */
  endCall(id: string, error: RouterError): void {
    if (id === this.initializeId) return
    this.replies?.fail(id, error)
    const pending = this.pendingCalls.take(id)
    if (pending) this.pendingCalls.fail(pending.call, error)
  }

  /** ask sends a request of the router's own. */
  ask(message: Message): Promise<Message> {
    return askOwn(this, message)
  }

  /** pass sends a message whose failure, too, is told on the Stream: the client was already answered 202. */
  pass(message: Message, call?: CallRef, recovery?: Recovery): void {
    if (call && !this.pendingCalls.isCurrent(call)) return
    if (call) this.pendingCalls.add({ call, message, recovery, at: Date.now() })
    this.tell(message).catch((thrown: unknown) =>
      this.lose(message.id, failureOf(this.backend, thrown)),
    )
  }

  onMessage(came: Message, about = ''): void {
    const opens = came.kind === 'response' && came.id === this.initializeId
    const message = opens ? this.agree(came) : came
    if (message.kind !== 'response') {
      this.say(message, about)
      return
    }
    const pending = this.pendingCalls.take(message.id)
    if (pending) this.pendingCalls.deliver(pending.call, message.bytes)
    else this.replies?.answer(message)
  }

  onClose(cause: Error | undefined): void {
    this.end(failureOf(this.backend, cause ?? new Error('the connection was given up')))
    if (!this.over) this.hooks.onLost()
  }

  /** linger keeps it for the calls under way. One whose server asks the client waits in vain: its Session is elsewhere. */
  linger(): void {
    this.lingers = true
    if ((this.questions?.size() ?? 0) > 0) discard(this.handOver())
  }

  /** use has the headers of the Endpoint, which the operator changed, go with what is sent from now on. */
  use(endpoint: Endpoint): void {
    this.upstream?.use?.(endpoint)
  }

  /** isBusy tells that a request waits for its answer, here or at the client. */
  isBusy(): boolean {
    const asked = (this.questions?.size() ?? 0) + (this.replies?.size() ?? 0)
    return asked + this.pendingCalls.size() > 0
  }

  /** releaseCalls releases the calls in flight to the next Owner, as far as their client can resume. */
  releaseCalls(): void {
    this.pendingCalls.leave()
    this.replies?.leave(outcomeUnknown({}))
  }

  /** handOver lets go of a Session that goes on at another Instance: what was answered 202 is that one's business. */
  async handOver(isOver = false): Promise<void> {
    this.releaseCalls()
    const upstream = this.finish(outcomeUnknown({}))
    // The new Owner continues the session at the server, where that is possible.
    await (upstream?.detach && !isOver ? upstream.detach() : upstream?.close())
  }

  async close(): Promise<void> {
    await this.finish(new RouterError('SESSION_NOT_FOUND'))?.close()
  }

  protected finish(why: RouterError): Upstream | undefined {
    this.over = true
    const { upstream } = this
    this.end(why)
    this.replays.close()
    return upstream
  }

  /** untilEnded waits for what this Upstream, which takes no more messages, may still say to others: until it ends, and not for long. */
  async untilEnded(upstream: Upstream): Promise<void> {
    if (this.isOn(upstream) && this.isBusy()) await this.binding.untilReleased()
  }

  /** leave lets go of the Upstream, whose end is no loss then; what was under way on it is told. */
  leave(): Upstream | undefined {
    const { upstream } = this
    const reason = 'it was restarted'
    this.end(new RouterError('UPSTREAM_FAILED', { backend: this.backend, reason }))
    this.binding = new UpstreamBinding(this)
    return upstream
  }

  private end(error: RouterError): void {
    this.ready = false
    this.upstream = undefined
    this.binding.release()
    this.questions?.clear()
    for (const reply of this.replies?.all() ?? []) reply.fail(error)
    for (const { message } of [...this.pendingCalls.pending()]) this.lose(message.id, error)
  }

  /** deliver sends a message, and again where the server forgot the session or was not there: it was not executed then. */
  protected async deliver(message: Message): Promise<void> {
    if (!this.upstream && !this.over) await this.aside(message.id, () => this.hooks.onMissing())
    if (message.method === 'initialize') this.initializeId = message.id
    this.tasks.note(message)
    if (message.kind === 'response') this.questions?.delete(message.id)
    for (let tries = 0; ; tries++) {
      const upstream = this.connected()
      try {
        await this.binding.send(upstream, message)
        return
      } catch (error) {
        if (!wasNotExecuted(error) || !this.ready || tries >= maxResends) throw error
        await this.aside(message.id, () => this.hooks.onForgotten(upstream, error))
      }
    }
  }

  private aside(id: string, work: () => Promise<void>): Promise<void> {
    return aside(id, this.replies, this.pendingCalls, work)
  }

  private agree(message: Message): Message {
    this.initializeId = ''
    const { answer, revision, capabilities } = readAgreement(this.backend, message)
    this.capabilities = capabilities
    // Where the router asked, it knows.
    if (revision && !this.replies?.get(message.id))
      this.hooks.onAgreed({ revision, ...this.backendSession() })
    return answer
  }

  private connected(): Upstream {
    if (this.over) throw new RouterError('SESSION_NOT_FOUND')
    if (!this.upstream) {
      const reason = 'it has just ended'
      throw new RouterError('NO_HEALTHY_ENDPOINT', { backend: this.backend, reason })
    }
    return this.upstream
  }

  /** say picks where it belongs: the call that it is about, else the newest call under way, else the client's stream. */
  private say(message: Message, about: string): void {
    if (isStrayProgress(message, this.isAsked)) return
    const outlet = this.replies?.outletFor(message, about, this.replays.standalone.isConnected())
    if (outlet) outlet.say(message)
    else this.toStream(message)
  }

  private readonly isAsked = (token: string): boolean =>
    this.replies?.hasToken(token) || this.pendingCalls.hasToken(token) || this.tasks.has(token)

  toStream(message: Message): void {
    this.replays.standalone.say(message.bytes)
  }

  private lose(id: string, error: RouterError): void {
    const pending = this.pendingCalls.take(id)
    if (!pending) return
    if (!this.over && isBroken(error)) this.hooks.onBroken(pending, error)
    else this.pendingCalls.fail(pending.call, error)
  }
}
