import { ChunkCollector, createSseDecoder, messageFrame } from '@mcp-router/protocol'
import type { SseDecoder } from '@mcp-router/protocol'
import { isEventStream, messageOf } from '@mcp-router/upstream'
import type { HttpController, HttpHeaders } from '@mcp-router/upstream'
import type { Incoming } from '../http/incoming.js'
import { Relay } from '../outlet/relay.js'
import type { Clocks, RelayHooks } from '../outlet/relay.js'
import { isAnswered, NotTaken } from './answered.js'

/**
 * HandoffRelay passes the owner's answer on. A stream that the client opened by GET just ends, once the owner has answered: no request failed,
 * and it comes again.
 */
export class HandoffRelay extends Relay {
  private readonly request: Incoming
  /** What the owner answers to a stream that has begun, where that is no stream: it becomes an event of it. */
  private framed: ChunkCollector | undefined
  private hasAnswer = false
  /** Reads the owner's stream for the response to the request. */
  private reader: SseDecoder | undefined
  private hasResponse = false

  constructor(incoming: Incoming, clocks: Clocks, hooks: RelayHooks) {
    super(incoming, clocks, hooks)
    this.request = incoming
    // Its head was sent here, to find out whose stream it is.
    if (incoming.streaming && incoming.req.method === 'GET') this.carryOn()
  }

  override onRequestStart(controller: HttpController): void {
    this.framed = undefined
    this.reader = undefined
    super.onRequestStart(controller)
  }

  override onResponseStart(controller: HttpController, status: number, headers: HttpHeaders): void {
    // It must not reach the client: a 404 would end its session.
    if (!isAnswered(headers)) throw new NotTaken(status)
    this.hasAnswer = true
    const isStream = isEventStream({ headers })
    if (this.begun && !isStream) this.framed = new ChunkCollector()
    if (isStream && this.request.message?.kind === 'request') this.reader = this.openReader()
    super.onResponseStart(controller, status, headers)
  }

  override onResponseData(controller: HttpController, chunk: Buffer): void {
    if (this.framed) this.framed.push(chunk)
    else super.onResponseData(controller, chunk)
    this.reader?.push(chunk)
  }

  private openReader(): SseDecoder {
    return createSseDecoder(({ event, data }) => {
      if (event !== 'message' || data.length === 0) return
      const said = messageOf(this.request.backend, data)
      if (said?.kind === 'response' && said.id === this.request.id) this.hasResponse = true
    }, Infinity)
  }

  protected override conclude(): void {
    if (this.framed) this.pass(messageFrame(this.framed.take()))
    super.conclude()
  }

  override onResponseError(controller: HttpController, error: Error): void {
    const isStream = this.request.streaming && this.request.req.method === 'GET'
    // However the owner's stream ends behind the response, nothing is missing.
    if (this.hasResponse && !this.over) this.conclude()
    else if (!isStream) super.onResponseError(controller, error)
    // Only the head was sent, from here: whoever takes the Session over goes on with the stream.
    else if (this.over || this.hasAnswer || !this.hooks.onFailed?.(error, this, false)) this.end()
  }
}
