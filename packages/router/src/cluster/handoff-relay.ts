import { RouterError } from '@mcp-router/core'
import { ChunkCollector, createSseDecoder, messageFrame } from '@mcp-router/protocol'
import type { SseDecoder } from '@mcp-router/protocol'
import { isEventStream, messageOf, wasNeverSent } from '@mcp-router/upstream'
import type { HttpController, HttpHandler, HttpHeaders } from '@mcp-router/upstream'
import { outcomeUnknown } from '../calls/outcome.js'
import type { Incoming } from '../http/incoming.js'
import { clientLeft, Writer } from '../outlet/writer.js'
import type { Clocks } from '../outlet/writer.js'
import { isAnswered, NotServed } from './answered.js'

/**
 * HandoffRelay passes the owner's answer on. A stream that the client opened by GET just ends, once the owner has answered: no request failed,
 * and it comes again. Undici's handler.
 */
export class HandoffRelay extends Writer implements HttpHandler {
  /** Until the answer has ended: after that it may be the controller of another request on the same connection. */
  controller: HttpController | undefined
  private readonly onFailed: (error: Error, hasBegun: boolean) => boolean
  /** What the owner answers to a stream that has begun, where that is no stream: it becomes an event of it. */
  private framed: ChunkCollector | undefined
  private hasAnswer = false
  /** Reads the owner's stream for the response to the request. */
  private reader: SseDecoder | undefined
  private hasResponse = false
  /** Events with ids can be fetched again: the client resumes by itself once the stream ends (spec 2025-11-25, transports). */
  private hasIds: boolean | undefined

  /** `onFailed`: the request failed; true: somebody else answers it. */
  constructor(
    incoming: Incoming,
    clocks: Clocks,
    onFailed: (error: Error, hasBegun: boolean) => boolean,
  ) {
    super(incoming, clocks)
    this.onFailed = onFailed
    this.source = this
    // Its head was sent here, to find out whose stream it is.
    if (incoming.streaming && incoming.req.method === 'GET') this.carryOn()
  }

  cancel(reason: Error): void {
    this.controller?.abort(reason)
  }

  onRequestStart(controller: HttpController): void {
    this.framed = undefined
    this.reader = undefined
    this.controller = controller
    if (this.over) controller.abort(clientLeft)
  }

  onResponseStart(_: HttpController, status: number, headers: HttpHeaders): void {
    // It must not reach the client: a 404 would end its session.
    if (!isAnswered(headers)) throw new NotServed(status)
    this.incoming.passedOn()
    this.hasAnswer = true
    const isStream = isEventStream({ headers })
    if (this.begun && !isStream) this.framed = new ChunkCollector()
    if (isStream && this.incoming.message?.kind === 'request') this.reader = this.openReader()
    this.takeHead(status, headers)
  }

  onResponseData(_: HttpController, chunk: Buffer): void {
    this.hasIds ??= chunk.includes('\nid:') || chunk.subarray(0, 3).equals(idField)
    if (this.framed) this.framed.push(chunk)
    else this.pass(chunk)
    this.reader?.push(chunk)
  }

  onResponseEnd(): void {
    this.controller = undefined
    if (this.over) return
    if (this.framed) this.pass(messageFrame(this.framed.take()))
    this.conclude()
  }

  onResponseError(_: HttpController, error: Error): void {
    if (this.over) return
    const isStream = this.incoming.streaming && this.incoming.req.method === 'GET'
    // However the owner's stream ends behind the response, nothing is missing.
    if (this.hasResponse) this.conclude()
    else if (!isStream) {
      if (this.onFailed(error, this.begun)) return
      if (this.begun && this.streams && this.hasIds) this.conclude('UPSTREAM_FAILED')
      else this.fail(ownerFailure(this.incoming, error))
    }
    // Only the head was sent, from here: whoever takes the Session over goes on with the stream.
    else if (this.hasAnswer || !this.onFailed(error, false)) this.end()
  }

  private openReader(): SseDecoder {
    const { backend, id } = this.incoming
    return createSseDecoder(({ event, data }) => {
      if (event !== 'message' || data.length === 0) return
      const said = messageOf(backend, data)
      if (said?.kind === 'response' && said.id === id) this.hasResponse = true
    }, Infinity)
  }
}

const idField = Buffer.from('id:')

/** wasNotServed: nothing was sent, or it reached nobody who serves it. */
export const wasNotServed = (error: unknown): boolean =>
  error instanceof NotServed || wasNeverSent(error)

/** ownerFailure is what the client hears: where the owner is stays in the cluster. */
export const ownerFailure = ({ message, requestId, at }: Incoming, error: Error): RouterError =>
  wasNotServed(error)
    ? new RouterError('OWNER_UNREACHABLE', {}, error)
    : outcomeUnknown({ message, requestId, at }, error)
