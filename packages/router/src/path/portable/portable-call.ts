import { asError } from '@mcp-router/core'
import type { Message } from '@mcp-router/protocol'
import { eventStreamType, messageFrame } from '@mcp-router/protocol'
import { discard } from '@mcp-router/upstream'
import type { HttpRequest } from '@mcp-router/upstream'
import { acceptedOf } from '../../http/accept.js'
import { isQuestion, noteAsked } from '../../calls/call-deadline.js'
import type { Context } from '../../context.js'
import type { Incoming } from '../../http/incoming.js'
import { respondEmpty } from '../../http/respond.js'
import { noteAskedOutside } from '../../listening/asked.js'
import type { HeldSession } from '../../sessions/held.js'
import type { ListeningCall } from '../../listening/listening-calls.js'
import { ownAnswer } from './own-answer.js'
import { PortableRelay } from './portable-relay.js'
import { portablePost } from './portable-request.js'

/** PortableCall is a POST of a portable Session, on whose stream its client may be asked what has nothing to do with it. */
export class PortableCall extends PortableRelay implements ListeningCall {
  older: ListeningCall | undefined
  newer: ListeningCall | undefined
  sentAt: number | undefined = performance.now()

  /** As its client sent it. */
  private readonly given: Message
  private sent: Message

  constructor(context: Context, incoming: Incoming, held: HeldSession, message: Message) {
    super(context, incoming, held, message)
    this.given = message
    this.sent = message
    if (message.kind === 'request') context.listening.enter(this)
  }

  override send(): void {
    if (this.given.kind !== 'response') super.send()
    else discard(this.sendAnswer())
  }

  /** An answer is for the session at the server that has asked: where that is gone, nobody waits for it. */
  private async sendAnswer(): Promise<void> {
    try {
      const own = await ownAnswer(this.context, this.session, this.given)
      if (this.over) return
      if (own) {
        this.sent = own
        super.send()
      } else {
        this.finish()
        respondEmpty(this.incoming, 202)
      }
    } catch (error) {
      this.fail(asError(error))
    }
  }

  /** start sends it once its server is heard, also outside of calls. */
  override start(): void {
    const { listening } = this.context
    if (!listening.isOn(this.session.record.id) || this.message?.kind !== 'request') this.send()
    else listening.before(this, () => this.sendLater())
  }

  private sendLater(): void {
    if (this.over) return
    try {
      this.send()
    } catch (error) {
      // Its Endpoint was replaced meanwhile.
      this.fail(asError(error))
    }
  }

  takeOutside(said: Message): boolean {
    const { req } = this.incoming
    if (this.over || this.incoming.isClosed() || !acceptedOf(req.headers.accept).stream)
      return false
    // It is JSON that is on its way already.
    if (!this.streams && (this.begun || this.held)) return false
    if (!this.streams) this.takeHead(200, { 'content-type': eventStreamType })
    noteAskedOutside(this.context, this.session.record, said)
    const frame = messageFrame(said.bytes)
    if (this.begun && !this.reply) this.tell(frame)
    else {
      this.pass(frame)
      this.begin()
    }
    return true
  }

  /** A stream that is numbered here has its own time to wait before it is resumed, and its own way in. */
  override tell(frame: Buffer): void {
    if (!this.reply) super.tell(frame)
  }

  get heard(): Incoming {
    return this.incoming
  }

  protected override onAsked(said: Message): void {
    if (isQuestion(said)) noteAsked(this.heard, this.context.deps.options.inputTtlMs)
  }

  protected request(): HttpRequest {
    return portablePost(this.session, this.incoming, this.sent)
  }

  protected override finish(): void {
    super.finish()
    this.context.listening.leave(this)
  }
}
