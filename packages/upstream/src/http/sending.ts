import type { Link } from '@mcp-router/core'
import { createSseDecoder, resultOf, scanMessage, spliceId } from '@mcp-router/protocol'
import type { Message, SseDecoder, SseEvent } from '@mcp-router/protocol'
import type { UpstreamListener } from '../upstream.js'
import type { HttpController, HttpHandler } from './client.js'
import type { HttpConversation } from './conversation.js'
import { headerOf, isEventStream } from './post.js'
import type { HttpAnswer } from './post.js'

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
  /** The message whose answer is awaited; none for the stream outside of calls. */
  readonly sent: Message | undefined
  private readonly conversation: HttpConversation
  private readonly listener: UpstreamListener
  private readonly onSettled: (error: Error | undefined) => void
  private settled = false
  /** Until the answer has ended: after that it may be the controller of another request on the same connection. */
  private controller: HttpController | undefined
  private aborted: Error | undefined
  private decoder: SseDecoder | undefined
  private isJson = false
  private body: Buffer[] = []

  /** `onSettled` comes once, with an error when the exchange broke off. */
  constructor(
    sent: Message | undefined,
    conversation: HttpConversation,
    listener: UpstreamListener,
    onSettled: (error: Error | undefined) => void,
  ) {
    this.sent = sent
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
    const head = { headers }
    if (this.sent?.method === 'initialize') {
      this.conversation.began(headerOf(head, 'mcp-session-id'))
    }
    if (status === 200 && isEventStream(head)) {
      this.decoder = createSseDecoder((event) => this.onEvent(event))
    }
    this.isJson = headerOf(head, 'content-type').startsWith('application/json')
  }

  onResponseData(controller: HttpController, chunk: Buffer): void {
    if (!this.decoder) {
      this.body.push(chunk)
      return
    }
    this.guarded(controller, () => this.decoder?.push(chunk))
  }

  onResponseEnd(): void {
    this.controller = undefined
    const [first] = this.body
    if (!first || !this.isJson || !this.isAnswer()) {
      this.settle(undefined)
      return
    }
    const body = this.body.length === 1 ? first : Buffer.concat(this.body)
    try {
      this.take(body)
      this.settle(undefined)
    } catch (thrown) {
      // A refusal may be told in JSON of any kind: then the status says it.
      this.settle(this.status < 400 ? asError(thrown) : undefined)
    }
  }

  /** Only a request is answered; and a 404 within a session says that it is lost, whatever else it says. */
  private isAnswer(): boolean {
    if (this.sent?.kind !== 'request') return false
    return this.status !== 404 || !this.conversation.sessionId
  }

  onResponseError(_: HttpController, error: Error): void {
    this.settle(error)
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

  /** A server that refuses what it could not read answers without an id: on this response it can be about one request only. */
  private addressed(message: Message): Message {
    if (message.id !== 'null' || message.kind !== 'response' || !this.sent?.id) return message
    return scanMessage(spliceId(message, this.sent.id).bytes)
  }

  private take(bytes: Buffer): void {
    const message = this.addressed(scanMessage(bytes))
    if (message.kind === 'response' && message.id === this.sent?.id) {
      this.answered = true
      if (this.sent.method === 'initialize') this.conversation.agreed(revisionOf(message))
    }
    this.listener.onMessage(message, this.sent?.id)
  }
}

const asError = (thrown: unknown): Error =>
  thrown instanceof Error ? thrown : new Error(String(thrown))

const revisionOf = (answer: Message): string => {
  const version = resultOf(answer)?.['protocolVersion']
  return typeof version === 'string' ? version : ''
}
