import type { BackendName, HttpEndpoint } from '@mcp-router/core'
import { asError, RouterError } from '@mcp-router/core'
import {
  createSseDecoder,
  isStrayProgress,
  progressTokenOf,
  scanMessage,
} from '@mcp-router/protocol'
import type { Message } from '@mcp-router/protocol'
import type { HttpClient } from '../http/client.js'
import { isEventStream, sessionHeaders } from '../http/headers.js'
import { post } from '../http/post.js'
import type { HttpAnswer, HttpPosting } from '../http/post.js'
import { asFailure, ownResponse, responseIn } from '../http/verdict.js'
import type { ModernCall, ModernChannel, ModernListener } from './channel.js'

interface Options {
  readonly client: HttpClient
  readonly endpoint: HttpEndpoint
  readonly backend: BackendName
}

/** httpChannel makes one POST of each request (2026-07-28, Streamable HTTP); it holds nothing that must be closed. */
export const httpChannel = ({ client, endpoint, backend }: Options): ModernChannel => ({
  request(message, headers, listener) {
    const call = new HttpCall(message, backend, listener, client.maxResponseBytes)
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
  retire: () => undefined,
  close: () => Promise.resolve(),
})

class HttpCall implements ModernCall {
  private readonly message: Message
  private readonly backend: BackendName
  private readonly listener: ModernListener
  private readonly token: string | undefined
  private readonly maxEventBytes: number
  private posting: HttpPosting | undefined
  private over = false

  constructor(
    message: Message,
    backend: BackendName,
    listener: ModernListener,
    maxEventBytes: number,
  ) {
    this.maxEventBytes = maxEventBytes
    this.message = message
    this.token = progressTokenOf(message)
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
      if (event.event === 'message' && event.data.length > 0)
        this.onMessage(scanMessage(event.data))
    }, this.maxEventBytes)
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
    const { backend } = this
    if (answer.status === 200 && isEventStream(answer)) {
      const reason = 'its stream ended without a response'
      this.fail(new RouterError('UPSTREAM_FAILED', { backend, reason }))
      return
    }
    try {
      this.answer(responseIn(backend, answer, this.message.id))
    } catch (error) {
      this.fail(asError(error))
    }
  }

  private onMessage(message: Message): void {
    if (this.over || message.kind === 'request') return
    if (message.kind === 'notification') {
      const isStray = isStrayProgress(message, (token) => token === this.token)
      if (!isStray) this.listener.onNotification(message)
      return
    }
    this.answer(ownResponse(this.backend, message, this.message.id))
  }

  private answer(response: Message): void {
    this.over = true
    try {
      this.listener.onResponse(response)
    } catch (error) {
      // Its inside may be no JSON, which shows only when it is read.
      this.listener.onFailed(asFailure(this.backend, asError(error)))
    }
  }

  private fail(error: Error): void {
    if (this.over) return
    this.over = true
    this.listener.onFailed(asFailure(this.backend, error))
  }
}
