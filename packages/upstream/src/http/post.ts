import { asError } from '@mcp-router/core'
import { ChunkCollector } from '@mcp-router/protocol'
import type { HttpClient } from './client.js'
import type { HttpController, HttpHandler } from './handler.js'
import type { HttpHeaders } from './headers.js'
import { lingerMs } from './linger.js'

/** HttpAnswer is a whole answer, or its head while events still come (`onChunk` was given and took them). */
export interface HttpAnswer {
  readonly status: number
  readonly headers: HttpHeaders
  readonly body: Buffer
}

/** HttpPosting is a request under way: its answer, and the way to break it off. */
export interface HttpPosting {
  readonly answer: Promise<HttpAnswer>
  abort(reason: Error): void
}

/** ChunkTaker decides, once the head is there, who takes the chunks of a stream; undefined: they are collected. */
export type ChunkTaker = (
  status: number,
  headers: HttpAnswer['headers'],
) => ((chunk: Buffer) => void) | undefined

interface Options {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  readonly headers: string[]
  readonly body?: Buffer
  readonly taker?: ChunkTaker
  /** The answer is its head where that accepts what was sent: a body is for nobody, and may have no end. */
  readonly isNotice?: boolean
}

/** post sends one request and collects its answer; of a stream the chunks go to the taker and the answer's body is empty. */
export const post = (client: HttpClient, url: string, options: Options): HttpPosting => {
  const posting = new Posting(options.isNotice ? accepting : options.taker)
  const { method, headers, body } = options
  client.dispatch(url, body ? { method, headers, body } : { method, headers }, posting)
  return posting
}

/** accepting is the taker of a body that is for nobody. */
const accepting: ChunkTaker = (status) => (status < 300 ? () => undefined : undefined)

class Posting implements HttpHandler, HttpPosting {
  readonly answer: Promise<HttpAnswer>
  private readonly taker: ChunkTaker | undefined
  private resolve!: (answer: HttpAnswer) => void // set by the Promise executor, which runs at once
  private reject!: (error: Error) => void // likewise
  /** Until the answer has ended: after that it may be the controller of another request on the same connection. */
  private controller: HttpController | undefined
  private aborted: Error | undefined
  private lingering: NodeJS.Timeout | undefined
  private take: ((chunk: Buffer) => void) | undefined
  private status = 0
  private headers: HttpAnswer['headers'] = {}
  private readonly body = new ChunkCollector()

  constructor(taker: ChunkTaker | undefined) {
    this.taker = taker
    this.answer = new Promise((resolve, reject) => {
      this.resolve = resolve
      this.reject = reject
    })
  }

  abort(reason: Error): void {
    this.aborted = reason
    this.controller?.abort(reason)
  }

  onRequestStart(controller: HttpController): void {
    this.controller = controller
    if (this.aborted) controller.abort(this.aborted)
  }

  onResponseStart(
    _controller: HttpController,
    status: number,
    headers: HttpAnswer['headers'],
  ): void {
    this.status = status
    this.headers = headers
    this.take = this.taker?.(status, headers)
    if (!this.take || this.taker !== accepting || headers['content-length'] === '0') return
    this.resolve({ status, headers, body: Buffer.alloc(0) })
    this.lingering = setTimeout(() => this.abort(new Error('it is accepted')), lingerMs).unref()
  }

  onResponseData(controller: HttpController, chunk: Buffer): void {
    if (!this.take) {
      this.body.push(chunk)
      return
    }
    try {
      this.take(chunk)
    } catch (error) {
      controller.abort(asError(error))
    }
  }

  onResponseEnd(): void {
    this.controller = undefined
    clearTimeout(this.lingering)
    this.resolve({ status: this.status, headers: this.headers, body: this.body.take() })
  }

  onResponseError(_controller: HttpController, error: Error): void {
    clearTimeout(this.lingering)
    this.reject(error)
  }
}
