import type { Link } from '@mcp-router/core'
import { asError } from '@mcp-router/core'
import {
  createSseDecoder,
  isStrayProgress,
  progressTokenOf,
  soleMessageIn,
} from '@mcp-router/protocol'
import type { Message, SseDecoder, SseEvent } from '@mcp-router/protocol'
import {
  isEventStream,
  isJson,
  lingerMs,
  ownResponse,
  readEvent,
  responseIn,
} from '@mcp-router/upstream'
import type {
  HttpAnswer,
  HttpClient,
  HttpController,
  HttpHandler,
  HttpHeaders,
} from '@mcp-router/upstream'
import type { Deadlines, Timed } from '../calls/deadlines.js'
import { noteTools } from '../calls/note-tools.js'
import type { ToolsDeps } from '../calls/note-tools.js'
import { outcomeUnknown } from '../calls/outcome.js'
import type { Incoming } from '../http/incoming.js'
import { AnswerBody } from '../outlet/answer-body.js'
import type { LongAnswers } from '../outlet/long-answers.js'

/** A refusal is short, but for the id that it repeats; of a longer one only the status counts. */
const maxRefusalBytes = 64 * 1024

/** ExchangeContext is what all exchanges have of the Instance. */
export interface ExchangeContext {
  readonly deps: ToolsDeps & { readonly client: Pick<HttpClient, 'maxResponseBytes'> }
  readonly deadlines: Deadlines
  readonly longAnswers: LongAnswers
}

/** Head is that of an Endpoint's answer. */
export type Head = Pick<HttpAnswer, 'status' | 'headers'>

/**
 * HttpExchange is one message at an http Endpoint: it is POSTed, and what comes back is read, and checked to be the answer to this message. It
 * reports what the server says meanwhile, and then one response, or one failure; whatever that means is decided by those who make one.
 * Undici's handler: one object per call.
 */
export abstract class HttpExchange implements HttpHandler, Timed {
  dueAt = 0
  previous: Link | undefined
  next: Link | undefined
  protected readonly message: Message
  protected readonly incoming: Incoming
  /** Nobody waits for it any more. */
  protected over = false
  /** The response has come. */
  protected answered = false
  /** Until the answer has ended: after that it may be the controller of another request on the same connection. */
  controller: HttpController | undefined
  private readonly shared: ExchangeContext
  private head: Head = noHead
  private readonly body = new AnswerBody()
  private isEvents = false
  // Made where the answer is more than one event.
  private decoder: SseDecoder | undefined

  constructor(shared: ExchangeContext, incoming: Incoming, message: Message) {
    this.shared = shared
    this.incoming = incoming
    this.message = message
  }

  /** The head has come; what follows a stream are its events. */
  protected abstract onHead(head: Head, isStream: boolean): void
  /** A request or notification of the server. */
  protected abstract onSaid(said: Message, event: SseEvent): void
  /** An event that is no message: it names a place in the stream (id), or a time to come back (retry), or is of a type of the server's own. */
  protected abstract onEvent(event: SseEvent): void
  /** The response; `event`: it came in a stream, which `onEnd` follows. */
  protected abstract onResponse(response: Message, head: Head, event?: SseEvent): void
  /** The stream is over behind its response. */
  protected abstract onEnd(): void
  /** The server has taken, or refused, a message without response. `refusal` is what it said then. */
  protected abstract onTaken(status: number, refusal: Message | undefined): void
  /** There is no response. `hasEnded`: its stream ended properly before. */
  protected abstract onFailed(error: Error, hasEnded?: boolean): void

  onRequestStart(controller: HttpController): void {
    this.isEvents = false
    this.decoder = undefined
    this.body.reset(this.shared.longAnswers)
    this.controller = controller
    if (this.over) controller.abort(notWanted)
  }

  onResponseStart(_: HttpController, status: number, headers: HttpHeaders): void {
    this.head = { status, headers }
    if (this.message.kind === 'request')
      this.isEvents = status === 200 && isEventStream({ headers })
    this.onHead(this.head, this.isEvents)
    // The body behind a notice is for nobody, and may have no end.
    if (this.message.kind === 'request' || status >= 300 || headers['content-length'] === '0')
      return
    this.dismiss('it is no answer')
    this.judge({ ...this.head, body: Buffer.alloc(0) })
  }

  onResponseData(controller: HttpController, chunk: Buffer): void {
    if (this.over || controller !== this.controller) return
    if (this.isEvents) this.decode(chunk)
    else this.hold(chunk)
  }

  onResponseEnd(controller?: HttpController): void {
    if (this.over || controller !== this.controller) return
    this.controller = undefined
    if (!this.isEvents) this.judge({ ...this.head, body: this.body.take() })
    else if (this.answered) this.end()
    else this.onFailed(new Error('its stream ended without a response'), true)
  }

  onResponseError(controller: HttpController, error: Error): void {
    if (this.over || controller !== this.controller) return
    // However its connection ends behind the response, nothing is missing.
    if (this.answered) this.end()
    else this.onFailed(error)
  }

  /** The Endpoint keeps its stream open behind the response. */
  onDue(): void {
    if (this.over) return
    this.dismiss('the response is complete')
    this.end()
  }

  /** cancel breaks it off: nobody waits for it any more. Behind the response there is nothing to break off. */
  cancel(reason: Error = notWanted): void {
    if (this.over || this.answered) return
    this.finish()
    this.controller?.abort(reason)
  }

  protected finish(): void {
    this.over = true
    if (this.dueAt > 0) this.shared.deadlines.remove(this)
  }

  /** dismiss wants no more of what is under way: it is known already what it means. */
  protected dismiss(reason: string): void {
    const { controller } = this
    this.controller = undefined
    controller?.abort(new Error(reason))
  }

  /** judge reads a whole answer that is no stream. */
  protected judge(answer: HttpAnswer): void {
    const { message, incoming } = this
    try {
      if (message.kind === 'request') this.settle(responseIn(incoming.backend, answer, message.id))
      else {
        const isRefused = answer.status >= 300
        const refusal = isRefused ? responseIn(incoming.backend, answer, 'null') : undefined
        this.finish()
        this.onTaken(answer.status, refusal)
      }
    } catch (error) {
      this.onFailed(asError(error))
    }
  }

  /** settle is for the response. */
  protected settle(response: Message, event?: SseEvent): void {
    this.answered = true
    noteTools(this.shared.deps, this.incoming.backend, this.message, response)
    if (!event) this.finish()
    else if (this.controller) {
      this.dueAt = performance.now() + lingerMs
      this.shared.deadlines.add(this)
    }
    this.onResponse(response, this.head, event)
    if (event && !this.controller) this.end()
  }

  private end(): void {
    if (this.over) return
    this.finish()
    this.onEnd()
  }

  private decode(chunk: Buffer): void {
    try {
      const sole = this.decoder ? undefined : soleMessageIn(chunk)
      if (sole) {
        this.read({ event: 'message', data: sole, id: undefined })
        return
      }
      this.decoder ??= createSseDecoder(
        (event) => this.read(event),
        this.shared.deps.client.maxResponseBytes,
      )
      this.decoder.push(chunk)
    } catch (thrown) {
      this.dismiss('it cannot be read')
      // Whatever comes behind the response, nothing is missing.
      if (this.answered) this.end()
      else this.onFailed(asError(thrown))
    }
  }

  private read(event: SseEvent): void {
    const { message, incoming } = this
    // What was dismissed may still be in the chunk that is being decoded.
    if (this.over || !this.controller) return
    if (event.event !== 'message' || event.data.length === 0) {
      this.onEvent(event)
      return
    }
    const said = readEvent(incoming.backend, event.data)
    if (said.kind !== 'response') {
      if (!this.isStray(said)) this.onSaid(said, event)
    } else if (!this.answered) this.settle(ownResponse(incoming.backend, said, message.id), event)
  }

  /** Progress of another request, or behind the response, is nobody's. */
  private isStray(said: Message): boolean {
    if (said.method !== 'notifications/progress') return false
    const own = progressTokenOf(this.message)
    return isStrayProgress(said, (token) => !this.answered && token === own)
  }

  private hold(chunk: Buffer): void {
    const { body, head, message } = this
    const { longAnswers } = this.shared
    const wasLong = body.isLong()
    const isHeld = body.push(chunk, longAnswers)
    // Until the client has it, or has left.
    if (body.isLong() && !wasLong) this.incoming.whenClosed(() => body.release(longAnswers))
    const isAnswer = head.status < 400 && isJson(head)
    if (!isAnswer && body.bytes > maxRefusalBytes + message.bytes.length) {
      this.dismiss('it is no answer')
      this.judge({ ...head, body: tooLong })
    } else if (!isHeld) {
      this.dismiss('nothing more can be held')
      const { requestId, at } = this.incoming
      this.onFailed(outcomeUnknown({ message, requestId, at, reason: tooMuch }))
    }
  }
}

const noHead: Head = { status: 0, headers: {} }
const notWanted = new Error('nobody waits for it any more')
const tooMuch = 'its answer is longer than this instance can hold now'
const tooLong = Buffer.from('too long')
