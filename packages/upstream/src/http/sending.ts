import { createSseDecoder, resultOf, scanMessage } from '@mcp-router/protocol'
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
export class Sending implements HttpHandler {
  /** Resolves with the HTTP status; rejects when the exchange broke off. */
  readonly ended: Promise<number>
  status = 0
  answered = false
  lastEventId = ''
  private readonly sent: Message | undefined
  private readonly conversation: HttpConversation
  private readonly listener: UpstreamListener
  private resolve!: (status: number) => void // set by the Promise executor, which runs at once
  private reject!: (error: Error) => void // likewise
  private controller: HttpController | undefined
  private aborted: Error | undefined
  private decoder: SseDecoder | undefined
  private isJson = false
  private body: Buffer[] = []

  /** `sent` is the message whose answer is awaited; none for the stream outside of calls. */
  constructor(
    sent: Message | undefined,
    conversation: HttpConversation,
    listener: UpstreamListener,
  ) {
    this.sent = sent
    this.conversation = conversation
    this.listener = listener
    this.ended = new Promise((resolve, reject) => {
      this.resolve = resolve
      this.reject = reject
    })
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

  onResponseEnd(controller: HttpController): void {
    const [first] = this.body
    if (first && this.isJson) {
      const body = this.body.length === 1 ? first : Buffer.concat(this.body)
      this.guarded(controller, () => this.take(body))
    }
    this.resolve(this.status)
  }

  onResponseError(_: HttpController, error: Error): void {
    this.reject(error)
  }

  /** What an Endpoint sends may be no message at all: that ends this exchange, not the process. */
  private guarded(controller: HttpController, work: () => void): void {
    try {
      work()
    } catch (thrown) {
      const error = thrown instanceof Error ? thrown : new Error(String(thrown))
      this.reject(error)
      controller.abort(error)
    }
  }

  private onEvent(event: SseEvent): void {
    if (event.id !== undefined) this.lastEventId = event.id
    if (event.event === 'message' && event.data.length > 0) this.take(event.data)
  }

  private take(bytes: Buffer): void {
    const message = scanMessage(bytes)
    if (message.kind === 'response' && message.id === this.sent?.id) {
      this.answered = true
      if (this.sent.method === 'initialize') this.conversation.agreed(revisionOf(message))
    }
    this.listener.onMessage(message)
  }
}

const revisionOf = (answer: Message): string => {
  const version = resultOf(answer)?.['protocolVersion']
  return typeof version === 'string' ? version : ''
}
