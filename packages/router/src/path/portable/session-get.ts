import type { Endpoint, Session } from '@mcp-router/core'
import { asError, RouterError } from '@mcp-router/core'
import {
  createSseDecoder,
  eventBytes,
  eventStreamType,
  isStrayProgress,
} from '@mcp-router/protocol'
import type { SseDecoder, SseEvent } from '@mcp-router/protocol'
import {
  BadAnswer,
  discard,
  doubtIn,
  isEventStream,
  messageOf,
  refusalOf,
  wasNeverSent,
} from '@mcp-router/upstream'
import type {
  HttpAnswer,
  HttpController,
  HttpHandler,
  HttpHeaders,
  HttpRequest,
} from '@mcp-router/upstream'
import { failureOf } from '../../calls/failure.js'
import type { Context } from '../../context.js'
import type { Incoming } from '../../http/incoming.js'
import { AnswerBody } from '../../outlet/answer-body.js'
import { Writer } from '../../outlet/writer.js'
import type { SessionEntry } from '../../sessions/entry.js'
import { marked } from '../../sessions/question-id.js'
import { formOf } from '../../streams/replay.js'
import type { Message } from '@mcp-router/protocol'
import { HeadLimit } from './head-limit.js'
import { noteCookies } from './note-cookies.js'
import { httpEndpoint } from './portable-request.js'
import { isForgotten, reopenPatiently } from './reopen.js'

/** Some servers send the head of a stream with its first event only: it counts as open after this, ms. */
export const headMs = 500
/** The session that another Instance opened meanwhile may be gone as well; one that was opened for this stream is not, or never will be. */
const maxReopens = 2
/** A refusal is short; of a longer one only the status counts. */
const maxRefusalBytes = 64 * 1024

/**
 * SessionGet asks the Endpoint of a portable Session for a stream, and passes its events on. Where the Endpoint has forgotten the session, that is
 * opened anew, once for all who wait. Undici's handler.
 */
export abstract class SessionGet extends Writer implements HttpHandler {
  readonly session: SessionEntry
  /** Until the stream has ended: after that it may be the controller of another request on the same connection. */
  controller: HttpController | undefined
  protected readonly context: Context
  /** The Endpoint has another stream of the session: this one is open towards the client only. */
  protected isWaiting = false
  /** The record and the Endpoint as they were when it was sent. */
  protected sentBy: Session
  private sentTo: Endpoint
  /** How often the session was opened anew for it. */
  private reopens = 0
  private readonly headLimit = new HeadLimit()
  /** From when on it counts as open, as `performance.now()` counts. */
  private openAt = Infinity
  private answer: Omit<HttpAnswer, 'body'> = { status: 0, headers: {} }
  private readonly body = new AnswerBody()
  /** Of a stream. */
  private decoder: SseDecoder | undefined
  /** It is the rest of a call's stream, and the response has come. */
  private isAnswered = false

  constructor(context: Context, incoming: Incoming, session: SessionEntry) {
    super(incoming, context)
    this.context = context
    this.session = session
    this.sentBy = session.record
    this.sentTo = session.endpoint
    this.source = this
  }

  isOpen(): boolean {
    return !this.isWaiting && performance.now() >= this.openAt
  }

  /** send opens it, unless it is over already. */
  send(): void {
    if (this.over) return
    this.openAt = performance.now() + headMs
    if (this.begun) this.headLimit.end()
    const fail = (error: Error): void => {
      this.dismiss('it did not answer')
      if (this.begun) this.end()
      else this.give(error)
    }
    this.headLimit.begin(this.context, this.session, fail)
    try {
      const endpoint = httpEndpoint(this.session)
      this.sentBy = this.session.record
      this.sentTo = endpoint
      this.incoming.endpoint = endpoint.id
      this.context.deps.client.dispatch(endpoint.url, this.request(), this)
    } catch (error) {
      fail(asError(error))
    }
  }

  cancel(reason: Error): void {
    this.controller?.abort(reason)
  }

  onRequestStart(controller: HttpController): void {
    this.decoder = undefined
    this.body.reset(this.context.longAnswers)
    this.controller = controller
    if (this.over) controller.abort(notWanted)
  }

  onResponseStart(_: HttpController, status: number, headers: HttpHeaders): void {
    if (this.begun) this.headLimit.end()
    this.context.selector.worked(this.sentTo)
    noteCookies(this.context, this.session, this.sentBy, headers)
    this.answer = { status, headers }
    if (status !== 200 || !isEventStream({ headers })) return
    const { maxResponseBytes } = this.context.deps.client
    this.decoder = createSseDecoder((event) => this.read(event), maxResponseBytes)
    this.takeHead(status, headers)
    this.isWaiting = false
    this.openAt = 0
    this.onOpen()
  }

  onResponseData(controller: HttpController, chunk: Buffer): void {
    if (this.over || controller !== this.controller) return
    if (!this.decoder) {
      this.body.push(chunk, this.context.longAnswers)
      if (this.body.bytes <= maxRefusalBytes) return
      this.dismiss('it is no stream')
      this.judge({ ...this.answer, body: Buffer.from('too long') })
      return
    }
    try {
      this.decoder.push(chunk)
    } catch (thrown) {
      this.dismiss('the client got the error')
      this.give(asError(thrown))
    }
  }

  onResponseEnd(controller?: HttpController): void {
    if (this.over || controller !== this.controller) return
    this.controller = undefined
    if (this.decoder) this.conclude()
    else this.judge({ ...this.answer, body: this.body.take() })
  }

  onResponseError(controller: HttpController, error: Error): void {
    if (this.over || controller !== this.controller) return
    if (this.isAnswered) {
      this.conclude()
      return
    }
    // Neither says that the Endpoint is gone: one is its answer, the other of this router, which sent nothing.
    const isAnswer = error instanceof BadAnswer || error instanceof RouterError
    if (!isAnswer) this.context.selector.failed(this.sentTo)
    if (!isAnswer && this.reopens < maxReopens && wasNeverSent(error)) this.reopen(undefined)
    else if (!isAnswer && this.begun && this.streams) this.end()
    else this.give(error)
  }

  override begin(): void {
    super.begin()
    if (this.begun) this.headLimit.end()
  }

  protected beginStream(): void {
    if (this.begun) return
    this.takeHead(200, { 'content-type': eventStreamType })
    this.begin()
  }

  /** dismiss wants no more of what is under way. */
  protected dismiss(reason: string): void {
    const { controller } = this
    this.controller = undefined
    controller?.abort(new Error(reason))
  }

  /** give ends it with what is known. */
  protected give(error: Error): void {
    this.fail(failureOf(this.session.record.backend, error))
  }

  /** isStale tells that it is open in another session at the server than `at`. */
  protected isStale(at: string): boolean {
    return this.isOpen() && this.sentBy.backendSessionId !== at
  }

  protected isReopened(): boolean {
    return this.reopens > 0
  }

  /** The events of a session that is gone went with it; in the one that took its place the same id is another event. */
  protected isInNewSession(): boolean {
    return this.isReopened() || this.context.sessions.movedAt(this.session.record.id) !== undefined
  }

  protected isAway(): boolean {
    return this.context.listening.isOn(this.session.record.id)
  }

  /** read passes on an event of the Endpoint's. */
  protected read(event: SseEvent): void {
    // What was dismissed may still be in the chunk that is being decoded.
    if (this.over || !this.controller) return
    if (event.data.length === 0) {
      if (event.id !== undefined && formOf(this.session.record) === 'primed') this.passEvent(event)
      else if (event.retry !== undefined) this.insert(eventBytes({ ...event, id: undefined }))
      return
    }
    if (event.event !== 'message') {
      this.passEvent(event)
      return
    }
    const said = messageOf(this.incoming.backend, event.data)
    if (!said) return
    const isRest = this.incoming.req.headers['last-event-id'] !== undefined
    if (said.kind === 'response' && isRest) this.isAnswered = true
    // Progress may belong to a call of any Instance.
    if (isStrayProgress(said, () => !this.isAnswered)) return
    this.passEvent({ ...event, data: this.towardsClient(said).bytes })
  }

  protected passEvent(event: SseEvent): void {
    this.pass(eventBytes(event))
  }

  /** judge decides what a whole answer means that is no stream. */
  private judge(answer: HttpAnswer): void {
    const { context, session, sentBy, sentTo } = this
    const doubt = sentBy.backendSessionId ? doubtIn(answer) : undefined
    if (!doubt) {
      this.judgeKnown(answer)
      return
    }
    void isForgotten(context, session, sentBy, doubt).then((is) => {
      if (this.over) return
      if (is) this.reopen(sentTo)
      else this.judgeKnown(answer)
    })
  }

  /** judgeKnown does so where the session is not in doubt. A client that is refused the stream it may open goes on without it. */
  protected judgeKnown(answer: HttpAnswer): void {
    const { status } = answer
    const isRefused = status < 500 && ![401, 403, 429].includes(status)
    const allow = 'POST, DELETE'
    if (this.begun) this.end()
    else if (isRefused) this.give(new RouterError('METHOD_NOT_ALLOWED', { allow }))
    else this.give(refusalOf(this.incoming.backend, answer))
  }

  protected override finish(): void {
    this.headLimit.end()
    super.finish()
  }

  private towardsClient(said: Message): Message {
    if (said.kind === 'response') return said
    if (said.kind === 'request') this.onAsked(said)
    return marked(said, this.sentBy.backendSessionId)
  }

  /** reopen goes on in a new session at this Endpoint, undefined: at another one that can be reached. */
  private reopen(at: Endpoint | undefined): void {
    const { context, session, sentBy } = this
    if (this.reopens >= maxReopens) {
      if (at) discard(context.sessions.end(session, 'its server forgot it repeatedly'))
      this.give(new RouterError('SESSION_NOT_FOUND'))
      return
    }
    this.reopens++
    const isWanted = (): boolean => !this.incoming.isClosed()
    // Its client tries only a few times.
    const { streamPatienceMs } = context.deps.options
    reopenPatiently(context, session, { at, by: sentBy }, streamPatienceMs, isWanted)
      .then(() => this.send())
      .catch((error: unknown) => this.give(asError(error)))
  }

  /** request is what the Endpoint is sent, also the next time. */
  protected abstract request(): HttpRequest
  /** onAsked hears that the Endpoint asks the client. */
  protected abstract onAsked(said: Message): void
  protected abstract onOpen(): void
}

const notWanted = new Error('its client left')
