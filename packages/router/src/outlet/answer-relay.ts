import { asError } from '@mcp-router/core'
import {
  createSseDecoder,
  eventBytes,
  eventStreamType,
  messageFrame,
  soleMessageIn,
} from '@mcp-router/protocol'
import type { Message, SseDecoder, SseEvent } from '@mcp-router/protocol'
import {
  isEventStream,
  isJson,
  lingerMs,
  ownResponse,
  refusalOf,
  responseIn,
} from '@mcp-router/upstream'
import type { HttpAnswer, HttpClient, HttpController, HttpHeaders } from '@mcp-router/upstream'
import { AnswerBody } from './answer-body.js'
import { noteHeard } from '../calls/call-deadline.js'
import type { Incoming, Quiet } from '../http/incoming.js'
import type { LongAnswers } from './long-answers.js'
import { noteTools } from '../calls/note-tools.js'
import type { ToolsDeps } from '../calls/note-tools.js'
import { outcomeUnknown } from '../calls/outcome.js'
import { Relay } from './relay.js'
import type { Clocks, RelayHooks } from './relay.js'
import { respondEmpty, respondJson } from '../http/respond.js'
import { isStray, readEventMessage } from './event-message.js'

const maxRefusalBytes = 64 * 1024

/** Shared is what all of them have of the Instance. */
interface Shared extends Clocks {
  readonly deps: ToolsDeps & { readonly client: Pick<HttpClient, 'maxResponseBytes'> }
  readonly longAnswers: LongAnswers
}

/**
 * AnswerRelay passes the answer of an Endpoint to one message, after it has seen that it is one: whatever else comes is an error with the client's
 * id, at once. A stream is passed event by event.
 */
export class AnswerRelay extends Relay implements Quiet {
  /** None: the GET stream. */
  protected readonly message: Message | undefined
  protected answered = false
  private readonly shared: Shared
  private answerStatus = 0
  private headers: HttpHeaders = {}
  private readonly body = new AnswerBody()
  private isEvents = false
  // Made where the answer is more than one event.
  private decoder: SseDecoder | undefined

  constructor(incoming: Incoming, shared: Shared, hooks: RelayHooks, message: Message | undefined) {
    super(incoming, shared, hooks)
    this.message = message
    this.shared = shared
    if (message) incoming.quiet = this
  }

  override onRequestStart(controller: HttpController): void {
    this.isEvents = false
    this.decoder = undefined
    this.body.reset(this.shared.longAnswers)
    super.onRequestStart(controller)
  }

  override onResponseStart(_: HttpController, status: number, headers: HttpHeaders): void {
    this.hooks.onStatus?.(status)
    this.answerStatus = status
    this.headers = headers
    if (this.message && this.message.kind !== 'request') {
      // Its body is for nobody, and may have no end.
      if (status >= 300 || headers['content-length'] === '0') return
      this.dismiss('it is no answer')
      this.judge({ status, headers, body: Buffer.alloc(0) })
    } else if (status === 200 && isEventStream({ headers })) {
      this.isEvents = true
      if (!this.begun) this.takeHead(status, headers)
    }
  }

  override onResponseData(controller: HttpController, chunk: Buffer): void {
    if (this.over || this.isDismissed(controller)) return
    if (this.isEvents) this.decode(chunk)
    else this.hold(chunk)
  }

  override onResponseEnd(controller?: HttpController): void {
    if (this.over || this.isDismissed(controller)) return
    // From here on it may be the controller of another request on the same connection.
    this.controller = undefined
    if (!this.isEvents) {
      this.judge({ status: this.answerStatus, headers: this.headers, body: this.body.take() })
    } else if (this.answered || this.message?.kind !== 'request') this.conclude()
    else this.onUnanswered(new Error('its stream ended without a response'))
  }

  override onResponseError(controller: HttpController, error: Error): void {
    if (this.over || this.isDismissed(controller)) return
    // However its connection ends behind the response, nothing is missing.
    if (this.answered) this.conclude()
    else this.onInterrupted(controller, error)
  }

  /** onInterrupted handles a connection that closed before the response. */
  protected onInterrupted(controller: HttpController, error: Error): void {
    super.onResponseError(controller, error)
  }

  /** Whoever cannot come back for the answer is told that there will be none. */
  override end(): void {
    const { message, incoming } = this
    const isAwaited = message?.kind === 'request' && message.method !== 'subscriptions/listen'
    if (!isAwaited || this.answered || this.canComeBack()) {
      super.end()
      return
    }
    this.dismiss('the instance is stopping')
    this.give(outcomeUnknown(incoming))
  }

  /** canComeBack tells that its client has an id by which it finds the answer at another Instance. */
  protected canComeBack(): boolean {
    return this.canResume()
  }

  /** The answer is a stream from here on; one that comes as JSON will be its last event. */
  onQuiet(): void {
    if (this.begun || this.over || this.message?.kind !== 'request') return
    this.takeHead(200, eventStream)
    this.begin()
  }

  /** dismiss wants no more of what is under way: it is known already what it means. */
  protected dismiss(reason: string): void {
    const { controller } = this
    this.controller = undefined
    controller?.abort(new Error(reason))
  }

  protected isDismissed(controller: HttpController | undefined): boolean {
    return controller !== this.controller
  }

  /** judge decides what a whole answer that is no stream means to the client. */
  protected judge(answer: HttpAnswer): void {
    const { message, incoming } = this
    try {
      if (!message) throw refusalOf(incoming.backend, answer)
      if (message.kind === 'request') this.deliver(responseIn(incoming.backend, answer, message.id))
      else this.acknowledge(answer)
    } catch (error) {
      this.give(asError(error))
    }
  }

  /** deliver passes on the response, which is all that there is. */
  protected deliver(response: Message): void {
    this.answered = true
    noteTools(this.shared.deps, this.incoming.backend, this.message, response)
    if (this.begun) this.pass(messageFrame(response.bytes))
    else {
      this.takeHead(this.statusOf(this.answerStatus), this.headers)
      this.held = response.bytes
    }
    this.conclude()
  }

  /** statusOf is the status under which the client gets a response that came with this one. */
  protected statusOf(status: number): number {
    return status
  }

  /** onUnanswered is for a stream that ended without the response. */
  protected onUnanswered(error: Error): void {
    // Who listens opens another stream; no request failed.
    if (this.message?.method === 'subscriptions/listen') this.conclude()
    else if (this.hooks.onFailed?.(error, this, this.begun)) this.forgetAnswer()
    else this.give(error)
  }

  /** give ends it with what is known. */
  protected give(error: Error): void {
    this.fail(error)
  }

  /** takesEmptyEvents tells whether the client's revision has events without data, which only name a place to resume from. */
  protected takesEmptyEvents(): boolean {
    return false
  }

  /** passEvent passes on an event before the response. */
  protected passEvent(event: SseEvent): void {
    this.pass(eventBytes(event))
  }

  /** towardsClient is a request or notification of the Endpoint as the client gets it. */
  protected towardsClient(said: Message): Message {
    return said
  }

  /** onResponse takes the response where it comes on a stream. */
  protected onResponse(response: Message, event: SseEvent): void {
    this.answered = true
    noteTools(this.shared.deps, this.incoming.backend, this.message, response)
    this.pass(eventBytes({ ...event, data: response.bytes }))
    this.dueIn(lingerMs)
  }

  /** The Endpoint keeps its stream open behind the response. */
  override onDue(): void {
    if (!this.answered) super.onDue()
    else if (!this.over) {
      this.dismiss('the response is complete')
      this.conclude()
    }
  }

  protected onEvent(event: SseEvent): void {
    const { message, incoming } = this
    // What was dismissed may still be in the chunk that is being decoded.
    if (this.over || !this.controller) return
    if (event.data.length === 0) {
      if (event.id !== undefined && this.takesEmptyEvents()) this.passEvent(event)
      // It says nothing of the call, whose stream does not begin for it.
      else if (event.retry !== undefined) this.tell(eventBytes({ ...event, id: undefined }))
      return
    }
    const isMessage = event.event === 'message'
    const said = isMessage ? readEventMessage(incoming.backend, event.data, message) : undefined
    if (isMessage && !said) return
    // The rest of a call's stream, fetched by GET.
    if (
      said?.kind === 'response' &&
      !message &&
      incoming.req.headers['last-event-id'] !== undefined
    )
      this.answered = true
    if (said?.kind === 'notification' && isStray(said, message, this.answered)) return
    if (said) noteHeard(incoming)
    if (said?.kind !== 'response' || message?.kind !== 'request') {
      const heard = said?.kind === 'response' ? said : said && this.towardsClient(said)
      this.passEvent(heard ? { ...event, data: heard.bytes } : event)
    } else if (!this.answered) {
      this.onResponse(ownResponse(incoming.backend, said, message.id), event)
    }
  }

  private decode(chunk: Buffer): void {
    try {
      const sole = this.decoder ? undefined : soleMessageIn(chunk)
      if (sole) {
        this.onEvent({ event: 'message', data: sole, id: undefined })
        return
      }
      this.decoder ??= createSseDecoder(
        (event) => this.onEvent(event),
        this.shared.deps.client.maxResponseBytes,
      )
      this.decoder.push(chunk)
    } catch (thrown) {
      this.dismiss('its client was told')
      this.give(asError(thrown))
    }
  }

  private hold(chunk: Buffer): void {
    const { body } = this
    const { longAnswers } = this.shared
    const wasLong = body.isLong()
    const isHeld = body.push(chunk, longAnswers)
    // Until the client has it, or has left.
    if (body.isLong() && !wasLong) this.incoming.whenClosed(() => body.release(longAnswers))
    const isAnswer = this.answerStatus < 400 && isJson({ headers: this.headers })
    if (!isAnswer && body.bytes > maxRefusalBytes + (this.message?.bytes.length ?? 0)) {
      this.dismiss('it is no answer')
      this.judge({ status: this.answerStatus, headers: this.headers, body: tooLong })
    } else if (!isHeld) {
      this.dismiss('nothing more can be held')
      const { message, requestId, at } = this.incoming
      this.give(outcomeUnknown({ message, requestId, at, reason: tooMuch }))
    }
  }

  /** acknowledge answers what has no answer: whatever the server says, it took it, or refused it. */
  private acknowledge(answer: HttpAnswer): void {
    const { incoming } = this
    const { status } = answer
    const refusal = status < 300 ? undefined : responseIn(incoming.backend, answer, 'null')
    this.finish()
    if (refusal) respondJson(incoming, status, refusal.bytes, [], `UPSTREAM_${status}`)
    else respondEmpty(incoming, 202)
  }
}

const eventStream: HttpHeaders = { 'content-type': eventStreamType }
const tooMuch = 'its answer is longer than this instance can hold now'
const tooLong = Buffer.from('too long')
