import type { Endpoint } from '@mcp-router/core'
import { RouterError } from '@mcp-router/core'
import { cancelledId, isStrayProgress } from '@mcp-router/protocol'
import type { Message } from '@mcp-router/protocol'
import { discard } from '@mcp-router/upstream'
import type { Upstream, UpstreamListener } from '@mcp-router/upstream'
import { inTime } from '../../calls/call-deadline.js'
import { failureOf } from '../../calls/failure.js'
import { outcomeUnknown } from '../../calls/outcome.js'
import { readAgreement } from '../../calls/read-revision.js'
import { backendSessionOf } from './backend-session.js'
import type { BackendSession } from './backend-session.js'
import { CallWatch } from './call-watch.js'
import type { ClientNotes } from './client-notes.js'
import { deliver } from './deliver.js'
import type { Sending } from './deliver.js'
import { UpstreamBinding } from './upstream-binding.js'
import type { LiveHooks, LiveLimits } from './live-hooks.js'
import { askOwn } from './own-request.js'
import type { Form } from '../../streams/replay.js'
import type { Replays } from '../../streams/replays.js'
import { Replies } from '../../outlet/replies.js'
import { Questions } from './questions.js'
import type { Reply } from '../../outlet/reply.js'
import { SessionOutlet } from '../../outlet/session-outlet.js'
import { StreamReply } from '../../outlet/stream-reply.js'
import type { CallRef } from '../../outlet/stream-reply.js'
import type { Stream } from '../../outlet/stream.js'
import type { Revival } from './revival.js'
import { TaskTokens } from './task-tokens.js'

/** LiveSession is an owned Session at its Owner: one Upstream of its own, the calls under way there, each with its Reply, and the client's Stream. */
export class LiveSession implements UpstreamListener {
  readonly replays: Replays
  readonly outlet: SessionOutlet
  readonly revival: Revival = { underway: undefined, failures: 0, notBefore: 0, since: 0 }
  readonly client: ClientNotes = {}
  readonly backend: string
  /** What its server offers (InitializeResult). */
  capabilities: unknown
  readonly hooks: LiveHooks
  readonly replies = new Replies()
  readonly questions = new Questions()
  private readonly limits: LiveLimits
  private readonly watch: CallWatch
  private readonly tasks = new TaskTokens()
  binding = new UpstreamBinding(this)
  private upstream: Upstream | undefined
  private initializeId = ''
  private ready = false
  private lingers = false
  private over = false

  constructor(backend: string, hooks: LiveHooks, replays: Replays, limits: LiveLimits) {
    this.backend = backend
    this.hooks = hooks
    this.replays = replays
    this.limits = limits
    this.watch = new CallWatch(limits, this)
    this.outlet = new SessionOutlet(replays.standalone, this.replies, hooks)
  }

  /** bind is the listener for its next Upstream; what an earlier one still says counts no more. */
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

  isMissing(): boolean {
    return !this.upstream && !this.over
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
    return this.outlet.onConnected()
  }

  /** request sends a request whose answer goes to its own Reply. One that comes again, while the first is under way, gets its answer. */
  async request(message: Message, reply: Reply): Promise<void> {
    if (this.replies.add(message, reply)) await this.sendFor(reply, message)
  }

  /** sendFor sends a request that is under way already. */
  async sendFor(reply: Reply, message: Message): Promise<void> {
    const isCurrent = this.replies.sending(reply)
    await this.deliver(message, { reply, isCurrent }).catch((error: unknown) => {
      // It was failed when its Upstream ended, and may be on its way again.
      if (!isCurrent()) return
      // It was let go of before this was sent: whoever has the Session now is sent it again, and knows whether there is one.
      if (this.over && reply.abandon) reply.abandon(false)
      else this.replies.fail(message.id, failureOf(this.backend, error))
    })
  }

  release(reply: Reply): void {
    this.replies.release(reply)
  }

  /** tell sends what needs no answer. It rejects when it could not be delivered. */
  async notify(message: Message): Promise<void> {
    if (message.method === 'notifications/cancelled') {
      this.endCall(cancelledId(message), new RouterError('CANCELLED'))
    }
    const { deadlines, deadlineMs } = this.limits
    const limit = { name: this.backend, deadlineMs: deadlineMs() }
    await inTime(deadlines, limit, this.deliver(message))
    if (message.method === 'notifications/initialized') this.upstream?.listen()
  }

  /** ask sends a request of the router's own. */
  ask(message: Message): Promise<Message> {
    return askOwn(this, message)
  }

  /** pass sends a request whose response, or failure, comes on the Stream: the client was already answered 202. */
  pass(message: Message, call: CallRef): void {
    if (!this.outlet.isCurrent(call)) return
    const reply = new StreamReply(this, call, message)
    const fail = (thrown: unknown): void => reply.giveUp(failureOf(this.backend, thrown))
    this.request(message, reply).catch(fail)
  }

  onMessage(came: Message, about = ''): void {
    const opens = came.kind === 'response' && came.id === this.initializeId
    const message = opens ? this.agree(came) : came
    if (message.kind === 'response') {
      this.replies.answer(message)
      return
    }
    if (message.kind === 'request' && !this.takesQuestion(message.id)) return
    if (message.kind === 'notification') this.replies.noteActivity(message, about)
    this.say(message, about)
  }

  onClose(cause: Error | undefined): void {
    this.end(failureOf(this.backend, cause ?? new Error('the connection was given up')))
    if (!this.over) this.hooks.onLost()
  }

  /** giveUp ends a call that its server still works on. */
  giveUp(id: string, error: RouterError): void {
    // A client must not take back its initialize (2025-11-25, cancellation).
    if (id !== this.initializeId) this.upstream?.cancel(this.binding.ids.of(id), true)
    this.endCall(id, error)
  }

  /** linger keeps it for the calls under way. One whose server asks the client waits in vain: its Session is elsewhere. */
  linger(): void {
    this.lingers = true
    if (this.questions.size() > 0) discard(this.handOver())
  }

  /** use has the headers of the Endpoint, which the operator changed, go with what is sent from now on. */
  use(endpoint: Endpoint): void {
    this.upstream?.use?.(endpoint)
  }

  /** isBusy tells that a request waits for its answer, here or at the client. */
  isBusy(): boolean {
    return this.questions.size() + this.replies.size() > 0
  }

  /** releaseCalls releases the calls in flight to the next Owner, as far as their client can resume. */
  releaseCalls(): void {
    this.replies.leave(outcomeUnknown({}))
  }

  /** handOver lets go of a Session that goes on at another Instance: what was answered 202 is that one's business. */
  async handOver(): Promise<void> {
    this.releaseCalls()
    const upstream = this.finish(outcomeUnknown({}))
    // The new Owner continues the session at the server, where that is possible.
    await (upstream?.detach ? upstream.detach() : upstream?.close())
  }

  /** close ends it for good; calls under way, and their clients, are told why. */
  async close(why = new RouterError('SESSION_NOT_FOUND')): Promise<void> {
    await this.finish(why)?.close()
  }

  /** untilEnded waits for what this Upstream, which takes no more messages, may still say to others: until it ends, and not for long. */
  async untilEnded(upstream: Upstream): Promise<void> {
    if (this.isOn(upstream) && this.isBusy()) await this.binding.untilReleased()
  }

  /** leave lets go of the Upstream, whose end is no loss then; what was under way on it is told. */
  leave(): Upstream | undefined {
    const { upstream, backend } = this
    this.end(new RouterError('UPSTREAM_FAILED', { backend, reason: 'it was restarted' }))
    this.bind()
    return upstream
  }

  toStream(message: Message): void {
    this.replays.standalone.say(message.bytes)
  }

  private finish(why: RouterError): Upstream | undefined {
    this.watch.end()
    this.over = true
    const { upstream } = this
    this.end(why)
    this.replays.close()
    return upstream
  }

  private end(error: RouterError): void {
    this.ready = false
    this.upstream = undefined
    this.binding.release()
    this.questions.clear()
    this.replies.failSent(error)
  }

  /** endCall ends a call under way without its server, which may answer or not: the id is free at once. */
  private endCall(id: string, error: RouterError): void {
    if (id !== this.initializeId) this.replies.fail(id, error)
  }

  private async deliver(message: Message, sending?: Sending): Promise<void> {
    const { kind, method, id } = message
    if (kind === 'request') this.watch.begin()
    // The answer of the client: from here on the server takes its time again.
    else if (kind === 'response') this.replies.renewAll()
    await deliver(this, message, sending, () => {
      if (method === 'initialize') this.initializeId = id
      this.tasks.note(message)
      if (kind === 'response') this.questions.delete(id)
    })
  }

  private agree(message: Message): Message {
    this.initializeId = ''
    const { answer, revision, capabilities } = readAgreement(this.backend, message)
    this.capabilities = capabilities
    const reply = this.replies.get(message.id)
    // Where the router asked, it knows.
    if (revision && (!reply || reply instanceof StreamReply))
      this.hooks.onAgreed({ revision, ...this.backendSession() })
    return answer
  }

  connected(): Upstream {
    if (this.over) throw new RouterError('SESSION_NOT_FOUND')
    if (this.upstream) return this.upstream
    const reason = 'it has just ended'
    throw new RouterError('NO_HEALTHY_ENDPOINT', { backend: this.backend, reason })
  }

  /** takesQuestion tells that the client can be asked this. */
  private takesQuestion(id: string): boolean {
    const refusal = this.questions.add(id)
    if (refusal && this.upstream) discard(this.binding.send(this.upstream, refusal))
    if (!refusal && this.lingers) discard(this.handOver())
    return !refusal
  }

  /** say picks where it belongs: the call that it is about, else the newest call under way, else the client's stream. */
  private say(message: Message, about: string): void {
    if (isStrayProgress(message, this.isAsked)) return
    const reply = this.replies.outletFor(message, about, this.replays.standalone.isConnected())
    if (reply) reply.say(message)
    else this.toStream(message)
  }

  private readonly isAsked = (token: string): boolean =>
    this.replies.hasToken(token) || this.tasks.has(token)
}
