import { asError } from '@mcp-router/core'
import type { Link } from '@mcp-router/core'
import { agreedRevision, ChunkCollector, createSseDecoder, resultOf } from '@mcp-router/protocol'
import type { Message, SseDecoder, SseEvent } from '@mcp-router/protocol'
import type { UpstreamListener } from '../upstream.js'
import type { HttpController, HttpHandler } from './handler.js'
import type { HttpConversation } from './conversation.js'
import { headerOf, isEventStream } from './headers.js'
import { lingerMs } from './linger.js'
import type { HttpAnswer } from './post.js'
import { doubtInResponse } from './session-doubt.js'
import type { SessionDoubt } from './session-doubt.js'
import { ownResponse, readEvent, wholeResponseIn } from './verdict.js'

/**
 * Sending is one POST, or the GET that fetches more of its answer, under way: it hands what comes to the listener, JSON and stream alike,
 * and settles once the answer has ended. Undici's handler, one object per request.
 */
export class Sending implements HttpHandler, Link {
  previous: Link | undefined
  next: Link | undefined
  status = 0
  answered = false
  lastEventId = ''
  /** Comes with the head of a stream. */
  onOpen: (() => void) | undefined
  /** The server answered as if it had forgotten the session: that answer is not handed on yet. */
  doubted: { readonly doubt: SessionDoubt; readonly response: Message } | undefined
  /** The message whose answer is awaited; none for the stream outside of calls. */
  readonly sent: Message | undefined
  private readonly backend: string
  private readonly conversation: HttpConversation
  private readonly listener: UpstreamListener
  private readonly onSettled: (error: Error | undefined) => void
  private settled = false
  /** Until the answer has ended: after that it may be the controller of another request on the same connection. */
  private controller: HttpController | undefined
  private aborted: Error | undefined
  private lingering: NodeJS.Timeout | undefined
  private decoder: SseDecoder | undefined
  private headers: HttpAnswer['headers'] = {}
  private readonly body = new ChunkCollector()

  /** `onSettled` comes once, with an error when the exchange broke off. */
  constructor(
    sent: Message | undefined,
    backend: string,
    conversation: HttpConversation,
    listener: UpstreamListener,
    onSettled: (error: Error | undefined) => void,
  ) {
    this.sent = sent
    this.backend = backend
    this.conversation = conversation
    this.listener = listener
    this.onSettled = onSettled
  }

  /** streamed tells that the answer came as events. */
  streamed(): boolean {
    return this.decoder !== undefined
  }

  abort(reason: Error): void {
    this.aborted = reason
    this.controller?.abort(reason)
  }

  onRequestStart(controller: HttpController): void {
    this.controller = controller
    if (this.aborted) controller.abort(this.aborted)
  }

  onResponseStart(_: HttpController, status: number, headers: HttpAnswer['headers']): void {
    this.status = status
    this.headers = headers
    const head = { headers }
    this.conversation.took(headers)
    if (this.sent?.method === 'initialize') {
      this.conversation.began(headerOf(head, 'mcp-session-id'))
    }
    if (status === 200 && isEventStream(head)) {
      this.decoder = createSseDecoder(
        (event) => this.onEvent(event),
        this.conversation.maxEventBytes,
      )
      this.onOpen?.()
    }
    // Its body is for nobody, and may have no end.
    if (!this.sent || this.sent.kind === 'request' || status >= 300) return
    this.settle(undefined)
    this.linger()
  }

  onResponseData(controller: HttpController, chunk: Buffer): void {
    const isForNobody = this.settled && !this.answered
    if (isForNobody) return
    if (!this.decoder) {
      this.body.push(chunk)
      return
    }
    this.guarded(controller, () => this.decoder?.push(chunk))
  }

  onResponseEnd(): void {
    this.controller = undefined
    clearTimeout(this.lingering)
    const { sent } = this
    // A refusal is judged by who sent it: it may mean that the session is gone.
    if (this.decoder || sent?.kind !== 'request' || this.status >= 400) {
      this.settle(undefined)
      return
    }
    try {
      this.takeResponse(wholeResponseIn(this.backend, this.answer(), sent.id))
      this.settle(undefined)
    } catch (thrown) {
      this.settle(asError(thrown))
    }
  }

  /** answer is the whole answer, where it came as no stream. */
  answer(): HttpAnswer {
    return { status: this.status, headers: this.headers, body: this.body.take() }
  }

  /** handOn tells the listener the response to what was sent. */
  handOn(response: Message): void {
    this.answered = true
    if (this.sent?.method === 'initialize') this.conversation.agreed(revisionOf(response))
    this.listener.onMessage(response, this.sent?.id)
    if (this.decoder && !this.settled) this.linger()
  }

  /** linger leaves what still comes some time. */
  private linger(): void {
    const complete = (): void => this.abort(new Error('the answer is complete'))
    this.lingering = setTimeout(complete, lingerMs).unref()
  }

  onResponseError(_: HttpController, error: Error): void {
    clearTimeout(this.lingering)
    // However its connection ends behind the response, nothing is missing.
    this.settle(this.answered ? undefined : error)
  }

  private settle(error: Error | undefined): void {
    if (this.settled) return
    this.settled = true
    this.onSettled(error)
  }

  /** What an Endpoint sends may be no message at all: that ends this exchange, not the process. */
  private guarded(controller: HttpController, work: () => void): void {
    try {
      work()
    } catch (thrown) {
      const error = asError(thrown)
      this.settle(error)
      controller.abort(error)
    }
  }

  private onEvent(event: SseEvent): void {
    if (event.id !== undefined) this.lastEventId = event.id
    if (event.event === 'message' && event.data.length > 0) this.take(event.data)
  }

  private take(bytes: Buffer): void {
    const message = readEvent(this.backend, bytes)
    if (message.kind === 'response' && this.sent?.kind === 'request')
      this.takeResponse(ownResponse(this.backend, message, this.sent.id))
    else this.listener.onMessage(message, this.sent?.id)
  }

  private takeResponse(response: Message): void {
    // Of a request that it answered twice nobody waits for the second answer.
    if (this.answered) return
    const doubt = this.conversation.sessionId ? doubtInResponse(response) : undefined
    if (doubt) this.doubted = { doubt, response }
    else this.handOn(response)
  }
}

/** It goes into a header of every request from now on. An error names none. */
const revisionOf = (answer: Message): string => {
  const result = resultOf(answer)
  return result ? agreedRevision(result) : ''
}
