import { RouterError } from '@mcp-router/core'
import { errorBytes, eventBytes } from '@mcp-router/protocol'
import type { Message } from '@mcp-router/protocol'
import { SessionLost } from '@mcp-router/upstream'
import { eventIdOf, primer } from '../downstream/modern-event-id.js'
import type { EventIdSource, Streamed } from '../downstream/modern-event-id.js'
import { noteHeard } from '../calls/call-deadline.js'
import { failureOf } from '../calls/failure.js'
import type { Incoming, Quiet } from '../http/incoming.js'
import type { KeepAlive } from '../http/keep-alive.js'
import { respondError, respondJson } from '../http/respond.js'
import { openStream } from '../outlet/stream.js'
import type { Stream } from '../outlet/stream.js'

/** The codes whose HTTP status tells what a client or an intermediary must know without the body (2026-07-28, Streamable HTTP). */
const statuses: ReadonlyMap<number, number> = new Map([
  [-32601, 404],
  [-32020, 400],
  [-32021, 400],
  [-32022, 400],
])

/** statusOf is the HTTP status of an error; most are told in band. */
export const statusOf = (code: number): number => statuses.get(code) ?? 200

interface ReplyContext extends EventIdSource {
  readonly keep: KeepAlive
}

/**
 * ModernReply answers one modern request: as JSON when the response is all there is, as a stream once a notification comes first, or nothing for
 * long. The client's leaving is its cancellation (2026-07-28, Streamable HTTP §Cancellation); by the id of the first event it can come back.
 */
export class ModernReply implements Quiet {
  readonly incoming: Incoming
  private readonly context: ReplyContext
  private readonly streamed: Streamed
  private stream: Stream | undefined
  private hasId = false
  private over = false
  private onLeft: (() => void) | undefined

  constructor(context: ReplyContext, incoming: Incoming, streamed: Streamed) {
    this.context = context
    this.incoming = incoming
    this.streamed = streamed
    incoming.quiet = this
    if (incoming.isClosed()) this.leave()
    else incoming.whenClosed(() => this.leave())
    // It had begun where it was passed to, or for a client that came back, and goes on here.
    if (incoming.resumed) this.onQuiet()
    else if (incoming.streaming) this.begin()
  }

  whenLeft(onLeft: () => void): void {
    this.onLeft = onLeft
    // It may have left while what it asked for was being prepared.
    if (this.over) onLeft()
  }

  /** whenOver calls back once the response is sent, or the client has left. */
  whenOver(onOver: () => void): void {
    if (this.over) onOver()
    else this.incoming.whenClosed(onOver)
  }

  /** begin makes it a stream at once. */
  begin(): void {
    if (this.over || this.stream) return
    this.incoming.streaming = true
    this.stream = openStream(this.incoming.res, this.context.keep, () => undefined)
  }

  onQuiet(): void {
    if (this.over) return
    this.begin()
    const id = this.takeId()
    if (id !== undefined) this.stream?.frame(primer(id))
  }

  say(message: Message): void {
    if (this.over) return
    noteHeard(this.incoming)
    this.begin()
    const id = this.takeId()
    if (id === undefined) this.stream?.message(message.bytes)
    else this.stream?.frame(eventBytes({ event: 'message', data: message.bytes, id }))
  }

  /** answer sends the response, whose id is the request's. */
  answer(bytes: Buffer, status = 200): void {
    if (!this.finish()) return
    this.incoming.accepted?.finish(bytes, this.incoming.isClosed())
    if (!this.stream) {
      respondJson(this.incoming, status, bytes, [], status === 200 ? 'ok' : `REFUSED_${status}`)
      return
    }
    this.stream.message(bytes)
    this.stream.end()
    this.incoming.done(200, 'ok')
  }

  /** refuse answers with a JSON-RPC error, in band or with the status that the error demands. */
  refuse(code: number, message: string, data?: object): void {
    this.answer(errorBytes(this.incoming.id, code, message, data), statusOf(code))
  }

  /** breakOff ends the stream without a response; where none has begun, it fails with `cause`. */
  breakOff(cause: Error): void {
    if (!this.stream) {
      this.fail(cause)
      this.onLeft?.()
      return
    }
    if (!this.finish()) return
    this.stream.end()
    this.incoming.done(200, 'ENDED')
    this.onLeft?.()
  }

  fail(thrown: unknown): void {
    if (!this.finish()) return
    const { backend } = this.incoming
    respondError(this.incoming, failureOf(backend, sessionless(backend, thrown)))
  }

  /** takeId is for the first event. */
  private takeId(): string | undefined {
    if (this.hasId) return undefined
    this.hasId = true
    return eventIdOf(this.context, this.incoming, this.streamed)
  }

  private leave(): void {
    if (!this.finish()) return
    this.incoming.done(499, 'CLIENT_LEFT')
    this.onLeft?.()
  }

  private finish(): boolean {
    if (this.over) return false
    this.over = true
    return true
  }
}

/** The session that was lost is the router's own: its client has none to open anew. */
const sessionless = (backend: string, thrown: unknown): unknown =>
  thrown instanceof SessionLost
    ? new RouterError('NO_HEALTHY_ENDPOINT', { backend, reason: 'it forgot the session' }, thrown)
    : thrown
