import { RouterError } from '@mcp-router/core'
import { errorBytes, eventBytes, eventStreamType, messageFrame } from '@mcp-router/protocol'
import type { Message, SseEvent } from '@mcp-router/protocol'
import { noteActivity } from '../calls/silence.js'
import { failureOf } from '../calls/failure.js'
import { outcomeUnknown } from '../calls/outcome.js'
import { eventIdOf, primer } from '../downstream/modern-event-id.js'
import type { EventIdSource, Streamed } from '../downstream/modern-event-id.js'
import type { Incoming, Quiet } from '../http/incoming.js'
import { respondJson } from '../http/respond.js'
import type { Head } from '../path/http-exchange.js'
import { statusOf } from './modern-status.js'
import { beginStream } from './stream.js'
import { Writer } from './writer.js'
import type { Clocks } from './writer.js'

/**
 * ModernOutlet answers one request of revision 2026-07-28: as JSON when the response is all there is, as a stream once something else comes first, or
 * nothing for long. The client's leaving is its cancellation (Streamable HTTP §Cancellation). The first event of a stream has an id of the router's,
 * by which the client can come back for the answer; ids of the Endpoint lead nowhere and stay here.
 */
export class ModernOutlet extends Writer implements Quiet {
  declare readonly incoming: Incoming
  private readonly context: EventIdSource & Clocks
  private readonly streamed: Streamed
  private hasId = false
  private onLeft: (() => void) | undefined

  constructor(context: EventIdSource & Clocks, incoming: Incoming, streamed: Streamed) {
    super(incoming, context)
    this.context = context
    this.streamed = streamed
    incoming.quiet = this
    if (incoming.isClosed()) this.onClientClose()
    // Its head was sent where it was passed on, or is due to a client that came back.
    else if (incoming.resumed ?? incoming.streaming) {
      beginStream(incoming)
      this.carryOn()
      if (incoming.resumed) this.prime()
    }
  }

  /** whenLeft calls back once the client has left, or the instance stops, before the response. */
  whenLeft(onLeft: () => void): void {
    this.onLeft = onLeft
    // It may have left while what it asked for was being prepared.
    if (this.over && !this.incoming.isAnswered) onLeft()
  }

  /** whenOver calls back once the response is sent, or the client has left. */
  whenOver(onOver: () => void): void {
    if (this.over) onOver()
    else this.incoming.whenClosed(onOver)
  }

  onHead({ status, headers }: Head, isStream: boolean): void {
    if (isStream) this.takeHead(status, headers)
  }

  onQuiet(): void {
    if (this.over || this.begun) return
    this.takeHead(200, eventStream)
    this.begin()
  }

  /** say passes on what the server says of the call. */
  say(said: Message, event: SseEvent = plain(said)): void {
    if (this.over) return
    noteActivity(this.incoming)
    if (!this.streams) this.takeHead(200, eventStream)
    this.passEvent({ ...event, data: said.bytes })
  }

  /** onEvent passes on an event that is no message. */
  onEvent(event: SseEvent): void {
    if (event.data.length > 0) this.passEvent(event)
    else if (event.retry !== undefined) this.insert(eventBytes({ ...event, id: undefined }))
  }

  /** respond passes on the response of an http Endpoint; of a stream `onEnd` follows. */
  respond({ bytes }: Message, { status, headers }: Head, event?: SseEvent): void {
    if (this.over) return
    this.finishAccepted(bytes)
    // It is the last event, so that nobody needs its id.
    if (event) this.pass(eventBytes({ ...event, data: bytes, id: undefined }))
    else if (this.streams) this.endWith(bytes)
    else {
      this.takeHead(status, headers)
      this.held = bytes
      this.conclude()
    }
  }

  onEnd(): void {
    this.conclude()
  }

  /** answer sends the response, whose id is the request's. */
  answer(bytes: Buffer, status = 200): void {
    if (this.over) return
    this.finishAccepted(bytes)
    if (this.streams) {
      this.endWith(bytes)
      return
    }
    this.finish()
    respondJson(this.incoming, status, bytes, [], status === 200 ? 'ok' : `REFUSED_${status}`)
  }

  /** refuse answers with a JSON-RPC error, in band or with the status that the error demands. */
  refuse(code: number, message: string, data?: object): void {
    this.answer(errorBytes(this.incoming.id, code, message, data), statusOf(code))
  }

  /** breakOff ends the stream without a response; where none has begun, it fails with `cause`. */
  breakOff(cause: Error): void {
    if (this.over) return
    if (this.streams) this.conclude('ENDED')
    else this.fail(cause)
    this.onLeft?.()
  }

  override fail(thrown: unknown): void {
    const { backend } = this.incoming
    super.fail(sessionless(backend, failureOf(backend, thrown)))
  }

  override forget(): void {
    // An event that was held back goes with its id.
    if (!this.begun) this.hasId = false
    super.forget()
  }

  /** Whoever cannot come back for the answer is told that there will be none; who listens opens another stream. */
  override end(): void {
    const isListening = this.streamed.message.method === 'subscriptions/listen'
    if (this.over || this.incoming.isAnswered || isListening || (this.begun && this.hasId)) {
      super.end()
      return
    }
    this.stop(stopping)
    this.fail(outcomeUnknown(this.incoming))
  }

  /** A stream that begins before its first event begins with an event that says nothing but its id. */
  override begin(): void {
    const isBare = !this.begun && !this.held && !this.hasId
    super.begin()
    if (isBare && this.begun && !this.over) this.prime()
  }

  protected override stop(reason: Error): void {
    super.stop(reason)
    this.onLeft?.()
  }

  private passEvent(event: SseEvent): void {
    this.pass(eventBytes({ ...event, id: this.hasId ? undefined : this.takeId() }))
  }

  private endWith(bytes: Buffer): void {
    this.pass(messageFrame(bytes))
    this.conclude('ok')
  }

  private finishAccepted(bytes: Buffer): void {
    this.incoming.isAnswered = true
    this.incoming.accepted?.finish(bytes, this.incoming.isClosed())
  }

  private prime(): void {
    const id = this.takeId()
    if (id !== undefined) this.write(primer(id))
  }

  /** takeId is for the first event. */
  private takeId(): string | undefined {
    this.hasId = true
    return eventIdOf(this.context, this.incoming, this.streamed)
  }
}

const plain = ({ bytes }: Message): SseEvent => ({ event: 'message', data: bytes, id: undefined })

const eventStream = { 'content-type': eventStreamType }
const stopping = new Error('the instance is stopping')

/** The lost session is the router's own: the client has none to reopen. */
const sessionless = (backend: string, thrown: RouterError): RouterError =>
  thrown.code === 'SESSION_NOT_FOUND'
    ? new RouterError('NO_HEALTHY_ENDPOINT', { backend, reason: 'it forgot the session' }, thrown)
    : thrown
