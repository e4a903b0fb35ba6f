import type { Session } from '@mcp-router/core'
import { RouterError } from '@mcp-router/core'
import { errorBytes, resultOf } from '@mcp-router/protocol'
import type { Message } from '@mcp-router/protocol'
import { discard, isListChange, mayTryElsewhere, SessionLost } from '@mcp-router/upstream'
import type { Upstream, UpstreamListener } from '@mcp-router/upstream'
import { failureOf } from '../failure.js'
import { isBroken, outcomeUnknown } from '../outcome.js'
import { Debts } from './debts.js'
import { Hearing } from './hearing.js'
import type { LiveHooks } from './live-hooks.js'
import { askOwn } from './own-request.js'
import { replayHandshake } from './replay-handshake.js'
import type { Form } from './replay.js'
import { Replays } from './replays.js'
import { Replies } from './replies.js'
import type { Reply } from './reply.js'
import type { Stream } from './stream.js'
import type { Revival } from './takeover.js'

/**
 * LiveSession is an owned Session at its Owner: one Upstream of its own, so that ids pass unchanged, and the way back to the client:
 * its Stream, and a Reply for each POST that waits for an answer.
 */
export class LiveSession implements UpstreamListener {
  readonly replays: Replays
  readonly revival: Revival = { underway: undefined, failures: 0, notBefore: 0, since: 0 }
  private ready = false
  private hearing: Hearing | undefined
  private upstream: Upstream | undefined
  // Made with the first entry: most sessions of a crowd are idle.
  private replies: Replies | undefined
  private readonly debts: Debts
  /** What the server asked the client, and was not answered yet. */
  private questions: Set<string> | undefined
  private lingers = false
  private initializeId = ''
  /** What its server said of itself. */
  opening: Readonly<Record<string, unknown>> = {}
  private readonly backend: string
  private readonly hooks: LiveHooks
  private over = false

  constructor(backend: string, hooks: LiveHooks, replays = new Replays()) {
    this.backend = backend
    this.hooks = hooks
    this.replays = replays
    this.debts = new Debts(replays.standalone, hooks)
  }

  /** hear is the listener for its next Upstream; what an earlier one still says counts no more. */
  hear(): UpstreamListener {
    this.hearing = new Hearing(this)
    return this.hearing
  }

  /** hears tells whether this is the listener of its Upstream. */
  hears(hearing: UpstreamListener): boolean {
    return this.hearing === hearing
  }

  /** connect gives it the Upstream that it listens to. */
  connect(upstream: Upstream): void {
    this.upstream = upstream
    this.ready = true
  }

  /** isOver tells that it was let go of: its Session has ended, or goes on elsewhere. */
  isOver(): boolean {
    return this.over
  }

  /** isOn tells that this is its Upstream still. */
  isOn(upstream: Upstream): boolean {
    return this.upstream === upstream
  }

  /** It has an Upstream, and its handshake is done where this is not its first. */
  isReady(): boolean {
    return this.ready
  }

  /** resumeOn goes on over a new Upstream, on which the client's handshake is replayed. It rejects when that is refused. */
  async resumeOn(upstream: Upstream, record: Session): Promise<void> {
    if (this.over) throw new RouterError('SESSION_NOT_FOUND')
    this.upstream = upstream
    if (record.initialize) await replayHandshake(this, record)
    this.ready = true
  }

  /** attach sends what the server says to this Stream from now on; an earlier one is ended. It returns which answers had waited for it. */
  attach(stream: Stream, form: Form): ReadonlySet<string> {
    this.replays.standalone.attach(stream, form)
    return this.debts.hear()
  }

  detach(stream: Stream): void {
    this.replays.standalone.detach(stream)
  }

  /** request sends a request whose answer goes to its own Reply. One that comes again, while the first is under way, gets its answer. */
  async request(message: Message, reply: Reply): Promise<void> {
    this.replies ??= new Replies()
    if (!this.replies.add(message, reply)) return
    await this.deliver(message).catch((error: unknown) => {
      // It was let go of before this was sent: whoever has the Session now is sent it again, and knows whether there is one.
      if (this.over && reply.abandon) reply.abandon()
      else reply.fail(failureOf(this.backend, error))
    })
  }

  /** release forgets a Reply that is over. */
  release(reply: Reply): void {
    this.replies?.release(reply)
  }

  /** tell sends what needs no answer, or whose answer goes to the Stream. It rejects when it could not be delivered. */
  async tell(message: Message): Promise<void> {
    await this.deliver(message)
    if (message.method !== 'notifications/initialized') return
    this.upstream?.listen()
    this.hooks.onInitialized()
  }

  /** ask sends a request of the router's own and resolves with its response. */
  ask(message: Message): Promise<Message> {
    const { backend } = this
    const request = (asked: Message, reply: Reply): Promise<void> => this.request(asked, reply)
    const release = (reply: Reply): void => this.release(reply)
    return askOwn({ backend, request, release, say: (said) => this.toStream(said) }, message)
  }

  /** pass sends a message whose failure, too, is told on the Stream: the client was already answered 202. */
  pass(message: Message, repeats = 0): void {
    if (message.kind === 'request') this.debts.add({ message, repeats, at: Date.now() })
    this.tell(message).catch((thrown: unknown) =>
      this.lose(message.id, failureOf(this.backend, thrown)),
    )
  }

  onMessage(message: Message, about = ''): void {
    if (message.kind === 'request') this.noteQuestion(message.id)
    if (message.kind === 'response' && message.id === this.initializeId) this.agree(message)
    if (message.kind !== 'response') this.say(message, about)
    else if (this.debts.take(message.id)) this.tellAnswer(message.id, message.bytes)
    else this.replies?.answer(message)
  }

  onClose(cause: Error | undefined): void {
    this.end(failureOf(this.backend, cause ?? new RouterError('SESSION_NOT_FOUND')))
    if (!this.over) this.hooks.onLost()
  }

  /**
   * linger has it live on for the calls under way, though its Session goes on elsewhere. What its server asks the client is answered there:
   * a call that waits for such an answer would wait in vain.
   */
  linger(): void {
    this.lingers = true
    if ((this.questions?.size ?? 0) > 0) discard(this.handOver())
  }

  /** Requests that were answered 202 and have no answer yet. */
  owes(): number {
    return this.debts.size()
  }

  /** handOver lets go of a Session that goes on at another Instance: what was answered 202 is that one's business. */
  async handOver(): Promise<void> {
    this.debts.leave()
    for (const reply of this.replies?.all() ?? []) reply.abandon?.()
    await this.close(outcomeUnknown({ reason: 'the instance that ran it was stopped' }))
  }

  async close(why = new RouterError('SESSION_NOT_FOUND')): Promise<void> {
    this.over = true
    const { upstream } = this
    this.end(why)
    this.replays.close()
    await upstream?.close()
  }

  /** leave lets go of the Upstream, whose end is no loss then; what was under way on it is told. */
  leave(): Upstream | undefined {
    const { upstream } = this
    this.hearing = undefined
    this.end(
      new RouterError('UPSTREAM_FAILED', { backend: this.backend, reason: 'it was restarted' }),
    )
    return upstream
  }

  /** end tells every call under way that its Upstream is gone. */
  private end(error: RouterError): void {
    this.ready = false
    this.upstream = undefined
    for (const reply of this.replies?.all() ?? []) reply.fail(error)
    for (const id of this.debts.ids()) this.lose(id, error)
  }

  /** deliver sends a message, and once more where the server forgot the session or was not there: it was not executed then. */
  private async deliver(message: Message): Promise<void> {
    if (!this.upstream && !this.over) await this.hooks.onMissing()
    const upstream = this.connected()
    if (message.method === 'initialize') this.initializeId = message.id
    if (message.kind === 'response') this.questions?.delete(message.id)
    try {
      await upstream.send(message)
    } catch (error) {
      if (!(error instanceof SessionLost || mayTryElsewhere(error)) || !this.ready) throw error
      // What happens to those under way does not happen to this one: the server never took it.
      const putBack = this.setAside(message.id)
      await this.hooks.onForgotten(upstream, error).finally(putBack)
      await this.connected().send(message)
    }
  }

  private setAside(id: string): () => void {
    const putBack = this.replies?.setAside(id)
    const pending = this.debts.take(id)
    return () => {
      putBack?.()
      if (pending) this.debts.add(pending)
    }
  }

  private noteQuestion(id: string): void {
    this.questions = (this.questions ?? new Set<string>()).add(id)
    if (this.lingers) discard(this.handOver())
  }

  private agree(message: Message): void {
    this.initializeId = ''
    const { protocolVersion: revision, capabilities } = resultOf(message) ?? {}
    this.opening = { capabilities }
    // Where the router asked, it knows.
    if (this.replies?.get(message.id) === undefined && typeof revision === 'string')
      this.hooks.onAgreed(revision)
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
    if (isListChange(message.method)) this.hooks.onListChanged(message.method)
    const outlet = this.replies?.outletFor(message, about, this.replays.standalone.isHeard())
    if (outlet) outlet.say(message)
    else this.toStream(message)
  }

  /** toStream says it on the client's Stream, now or once there is one. */
  toStream(message: Message): void {
    this.replays.standalone.say(message.bytes)
  }

  /** tellFailure answers a request with an error on the Stream. */
  tellFailure(id: string, error: RouterError): void {
    this.tellAnswer(id, errorBytes(id, error.rpc, error.message, error.told))
  }

  /** tellAnswer tells the answer to a request that was answered 202, now or once its client is there. */
  tellAnswer(id: string, answer: Buffer): void {
    this.debts.tell(id, answer)
  }

  private lose(id: string, error: RouterError): void {
    const pending = this.debts.take(id)
    if (!pending) return
    if (!this.over && isBroken(error)) {
      this.hooks.onBroken(pending, error)
      return
    }
    this.tellFailure(id, error)
  }
}

/** ownedBy tells that this Instance drives the Session. */
export const ownedBy = (record: Session, instance: string): boolean =>
  record.epoch > 0 && record.instance === instance
