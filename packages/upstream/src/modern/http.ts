import type { BackendName, HttpEndpoint } from '@mcp-router/core'
import { RouterError } from '@mcp-router/core'
import { createSseDecoder, MalformedMessage, scanMessage, spliceId } from '@mcp-router/protocol'
import type { Message } from '@mcp-router/protocol'
import type { HttpClient } from '../http/client.js'
import { sessionHeaders } from '../http/headers.js'
import { isEventStream, post } from '../http/post.js'
import type { HttpAnswer, HttpPosting } from '../http/post.js'
import type { ModernCall, ModernChannel, ModernListener } from './channel.js'

interface Options {
  readonly client: HttpClient
  readonly endpoint: HttpEndpoint
  readonly backend: BackendName
}

/** httpChannel makes one POST of each request (2026-07-28, Streamable HTTP); it holds nothing that must be closed. */
export const httpChannel = ({ client, endpoint, backend }: Options): ModernChannel => ({
  request(message, headers, listener) {
    const call = new HttpCall(message, backend, listener)
    const all = sessionHeaders(endpoint, '', '')
    all.push('content-type', 'application/json', 'accept', 'application/json, text/event-stream')
    for (const text of headers) all.push(text)
    call.follow(() =>
      post(client, endpoint.url, {
        method: 'POST',
        headers: all,
        body: message.bytes,
        taker: (status, head) => call.takerOf(status, head),
      }),
    )
    return call
  },
  close: () => Promise.resolve(),
})

class HttpCall implements ModernCall {
  private readonly message: Message
  private readonly backend: BackendName
  private readonly listener: ModernListener
  private posting: HttpPosting | undefined
  private over = false

  constructor(message: Message, backend: BackendName, listener: ModernListener) {
    this.message = message
    this.backend = backend
    this.listener = listener
  }

  /** Closing the response is how a modern request is cancelled (2026-07-28, Streamable HTTP §Cancellation). */
  abort(): void {
    this.over = true
    this.posting?.abort(new Error('the request was given up'))
  }

  takerOf(status: number, headers: HttpAnswer['headers']): ((chunk: Buffer) => void) | undefined {
    if (status !== 200 || !isEventStream({ headers })) return undefined
    const decoder = createSseDecoder((event) => {
      if (event.event === 'message' && event.data.length > 0) this.hear(scanMessage(event.data))
    })
    return (chunk) => decoder.push(chunk)
  }

  follow(begin: () => HttpPosting): void {
    this.answerOf(begin).then(
      (answer) => this.onEnd(answer),
      (error: unknown) => this.fail(asError(error)),
    )
  }

  /** A header that cannot be sent throws at once: that fails the call like everything else. */
  private async answerOf(begin: () => HttpPosting): Promise<HttpAnswer> {
    this.posting = begin()
    return this.posting.answer
  }

  private onEnd(answer: HttpAnswer): void {
    if (this.over) return
    try {
      if (answer.body.length > 0) this.hear(scanMessage(answer.body))
    } catch (error) {
      // What is no message is told below; nobody else would hear of a fault in here.
      if (!(error instanceof MalformedMessage)) this.fail(asError(error))
    }
    const how =
      answer.status === 200 ? 'it ended without answer' : `HTTP ${answer.status} without a message`
    const code = answer.status === 200 ? 'UPSTREAM_FAILED' : 'UPSTREAM_BAD_ANSWER'
    this.fail(new RouterError(code, { backend: this.backend, reason: how }))
  }

  private hear(message: Message): void {
    if (this.over || message.kind === 'request') return
    if (message.kind === 'notification') {
      this.listener.onNotification(message)
      return
    }
    this.over = true
    // A refusal may come with another id, or none: on this response it can be about one request only.
    const { bytes } = spliceId(message, this.message.id)
    this.listener.onResponse({ bytes, kind: 'response', id: this.message.id, method: '' })
  }

  private fail(error: Error): void {
    if (this.over) return
    this.over = true
    const { backend } = this
    const told =
      error instanceof MalformedMessage
        ? new RouterError('UPSTREAM_BAD_ANSWER', { backend, reason: error.message }, error)
        : error
    this.listener.onFailed(told)
  }
}

const asError = (thrown: unknown): Error =>
  thrown instanceof Error ? thrown : new Error(String(thrown))
