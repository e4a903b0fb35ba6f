import type { Endpoint, Session } from '@mcp-router/core'
import { RouterError } from '@mcp-router/core'
import type { Message, SseEvent } from '@mcp-router/protocol'
import { BadAnswer, discard, doubtIn, doubtInResponse, wasNeverSent } from '@mcp-router/upstream'
import type {
  HttpAnswer,
  HttpController,
  HttpHeaders,
  HttpRequest,
  SessionDoubt,
} from '@mcp-router/upstream'
import type { Context } from '../../context.js'
import type { Incoming } from '../../http/incoming.js'
import { failureOf } from '../../calls/failure.js'
import { AnswerRelay } from '../../outlet/answer-relay.js'
import type { SessionEntry } from '../../sessions/entry.js'
import { PortableReply } from './portable-reply.js'
import { httpEndpoint } from './portable-request.js'
import { noteCookies } from './note-cookies.js'
import { isForgotten, reopenPatiently } from './reopen.js'
import { marked } from '../../sessions/question-id.js'
import { formOf } from '../../streams/replay.js'

/** The session that another Instance opened meanwhile may be gone as well; one that was opened for this message is not, or never will be. */
const maxTries = 2

/**
 * PortableRelay passes one request of a portable Session on. Where the Endpoint refuses it for want of the session, it was never
 * executed: the session is opened anew, once for all who wait, and the request sent again. Where the Endpoint goes away with it, it is
 * sent again if it may run twice.
 */
export abstract class PortableRelay extends AnswerRelay {
  protected readonly context: Context
  readonly session: SessionEntry
  /** How often the session was opened anew for it. */
  private tries = 0
  /** Set once the answer is a stream that is numbered here. */
  protected reply: PortableReply | undefined
  /** As they were when this was sent. */
  protected sentBy: Session
  private sentTo: Endpoint

  constructor(
    context: Context,
    incoming: Incoming,
    held: SessionEntry,
    message: Message | undefined,
  ) {
    super(incoming, context, noHooks, message)
    this.context = context
    this.session = held
    this.sentBy = held.record
    this.sentTo = held.endpoint
  }

  /** start sends it, now or later. */
  start(): void {
    this.send()
  }

  send(): void {
    const endpoint = httpEndpoint(this.session)
    this.sentBy = this.session.record
    this.sentTo = endpoint
    this.incoming.endpoint = endpoint.id
    this.context.deps.client.dispatch(endpoint.url, this.request(), this)
  }

  protected isReopened(): boolean {
    return this.tries > 0
  }

  /** The events of a session that is gone went with it; in the one that took its place the same id is another event. */
  protected isAnew(): boolean {
    return this.tries > 0 || this.context.sessions.movedAt(this.session.record.id) !== undefined
  }

  /** request is what the Endpoint is sent, also the next time. */
  protected abstract request(): HttpRequest

  /** expire ends a call that its server leaves alone. */
  expire(error: RouterError): void {
    this.give(error)
    this.abort(error)
  }

  /** resume sends it on behalf of a client that came back for the answer, which is a stream in any case. */
  resume(): void {
    this.begun = true
    this.openReply()
    this.start()
  }

  override onResponseStart(controller: HttpController, status: number, headers: HttpHeaders): void {
    this.context.selector.worked(this.sentTo)
    noteCookies(this.context, this.session, this.sentBy, headers)
    super.onResponseStart(controller, status, headers)
  }

  protected override pass(chunk: Buffer): void {
    if (this.reply) this.reply.push(chunk)
    else super.pass(chunk)
  }

  /** The second event may be what makes it a stream that is numbered here. */
  protected override write(chunk: Buffer): void {
    if (this.reply) this.reply.push(chunk)
    else super.write(chunk)
  }

  protected override conclude(): void {
    if (this.reply?.isAnswered()) this.finish()
    else super.conclude()
  }

  protected override judge(answer: HttpAnswer): void {
    const doubt = this.sentBy.backendSessionId ? doubtIn(answer) : undefined
    if (doubt) this.reopenIf(doubt, () => this.judgeKnown(answer))
    else this.judgeKnown(answer)
  }

  /** judgeKnown does so where the session is not in doubt. A client that is refused the stream it may open goes on without it. */
  protected judgeKnown(answer: HttpAnswer): void {
    const { status } = answer
    const isRefused = status < 500 && ![401, 403, 429].includes(status)
    if (!this.message && isRefused)
      this.give(new RouterError('METHOD_NOT_ALLOWED', { allow: 'POST, DELETE' }))
    else super.judge(answer)
  }

  /** A client would take 404 for the end of its session. */
  protected override statusOf(status: number): number {
    return status === 404 ? 200 : status
  }

  protected override deliver(response: Message): void {
    const doubt = this.doubtIn(response)
    if (doubt) this.reopenIf(doubt, () => super.deliver(response))
    else super.deliver(response)
  }

  protected override onResponse(response: Message, event: SseEvent): void {
    const doubt = this.doubtIn(response)
    if (!doubt) {
      super.onResponse(response, event)
      return
    }
    this.dismiss('the session is in doubt')
    this.reopenIf(doubt, () => {
      super.onResponse(response, event)
      this.conclude()
    })
  }

  protected override towardsClient(said: Message): Message {
    if (said.kind === 'request') this.onAsked(said)
    return marked(said, this.sentBy.backendSessionId)
  }

  /** onAsked hears that the Endpoint asks the client. */
  protected abstract onAsked(said: Message): void

  protected override canComeBack(): boolean {
    return this.reply !== undefined || super.canComeBack()
  }

  protected override takesEmptyEvents(): boolean {
    return formOf(this.session.record) === 'primed'
  }

  /** It may be fetched later where its events have ids. */
  protected override onUnanswered(error: Error): void {
    if (!this.reply && this.streams && this.eventIds) super.conclude()
    else this.onBroken(error)
  }

  protected override onInterrupted(controller: HttpController, error: Error): void {
    // Neither says that the Endpoint is gone: one is its answer, the other of this router, which sent nothing.
    if (error instanceof BadAnswer || error instanceof RouterError) {
      this.give(failureOf(this.session.record.backend, error))
      return
    }
    this.context.selector.failed(this.sentTo)
    if (this.tries < maxTries && wasNeverSent(error)) this.reopen(undefined)
    else if (this.message) this.onBroken(error)
    else if (this.begun && this.streams) this.end()
    else super.onInterrupted(controller, error)
  }

  /** A client of a revision that can resume gets numbers for its events, where the Endpoint gives none. */
  override begin(): void {
    const { held, message, streams, status, eventIds } = this
    const isPlain = !streams || status !== 200 || eventIds || message?.kind !== 'request'
    if (this.begun || this.over || isPlain || formOf(this.session.record) !== 'primed') {
      super.begin()
      return
    }
    this.begun = true
    this.held = undefined
    const reply = this.openReply()
    if (reply && held) reply.push(held)
  }

  /** Leaving is no cancellation (spec 2025-03-26, transports): whoever has an event id can come back for the rest. */
  protected override onClientClose(): void {
    if (!this.reply?.isOpen()) super.onClientClose()
    else if (!this.over) this.incoming.done(499, 'CLIENT_LEFT')
  }

  private openReply(): PortableReply | undefined {
    const { context, incoming, session, message } = this
    if (!message) return undefined
    const onLapsed = (): void => {
      this.finish()
      this.controller?.abort(new Error('its client did not come back'))
    }
    this.reply = new PortableReply(context, incoming, session.record, message, onLapsed)
    return this.reply
  }

  /** doubtIn asks of a response once: where it is the same in a new session, it is the answer. */
  private doubtIn(response: Message): SessionDoubt | undefined {
    return this.sentBy.backendSessionId && this.tries === 0 ? doubtInResponse(response) : undefined
  }

  /** reopenIf sends it again in a new session where the doubt turns out to be true. */
  private reopenIf(doubt: SessionDoubt, otherwise: () => void): void {
    const { context, session, sentBy, sentTo } = this
    void isForgotten(context, session, sentBy, doubt).then((is) => {
      if (this.over) return
      if (is) this.reopen(sentTo)
      else otherwise()
    })
  }

  /** The Endpoint took the request and went away before it answered. */
  private onBroken(error: Error): void {
    this.give(failureOf(this.session.record.backend, error))
  }

  /** reopen goes on in a new session at this Endpoint, undefined: at another one that can be reached. */
  private reopen(endpoint: Endpoint | undefined): void {
    const { context, session } = this
    if (this.tries >= maxTries) {
      if (endpoint) discard(context.sessions.end(session, 'its server forgot it repeatedly'))
      this.give(new RouterError('SESSION_NOT_FOUND'))
      return
    }
    this.tries++
    const goOn = (): void => {
      if (!this.over) this.start()
    }
    // Its client tries only a few times.
    const patienceMs = this.message ? 0 : context.deps.options.streamPatienceMs
    const isWanted = (): boolean => !this.incoming.isClosed()
    reopenPatiently(context, session, { at: endpoint, by: this.sentBy }, patienceMs, isWanted)
      .then(goOn)
      .catch((error: unknown) => this.give(failureOf(session.record.backend, error)))
  }

  protected override give(error: Error): void {
    if (this.over) return
    if (!this.reply) {
      this.fail(error)
      return
    }
    this.finish()
    this.reply.fail(failureOf(this.session.record.backend, error))
  }
}

const noHooks = {}
