import { eventBytes } from '@mcp-router/protocol'
import type { Message, SseEvent } from '@mcp-router/protocol'
import { AnswerRelay } from '../outlet/answer-relay.js'
import type { Incoming } from '../http/incoming.js'
import type { RelayHooks } from '../outlet/relay.js'
import { beginStream } from '../outlet/stream.js'
import type { Context } from '../context.js'
import type { Modern } from './modern-command.js'
import { eventIdOf, primer } from './modern-event-id.js'

/**
 * ModernRelay passes the answer of a modern Endpoint to a modern client. Of a stream the first event has an id of the router's, by which the
 * client can come back for the answer; ids of the Endpoint lead nowhere and stay here.
 */
export class ModernRelay extends AnswerRelay {
  private readonly context: Context
  private readonly modern: Modern
  private hasId = false

  constructor(context: Context, incoming: Incoming, hooks: RelayHooks, modern: Modern) {
    super(incoming, context, hooks, modern.message)
    this.context = context
    this.modern = modern
    if (!incoming.resumed) return
    beginStream(incoming)
    this.carryOn()
    this.prime()
  }

  /** A stream that begins before its first event begins with an event that says nothing but its id. */
  override begin(): void {
    const isBare = !this.begun && !this.held && !this.hasId
    super.begin()
    if (isBare && this.begun && !this.over) this.prime()
  }

  protected override passEvent(event: SseEvent): void {
    this.pass(eventBytes({ ...event, id: this.hasId ? undefined : this.takeId() }))
  }

  /** It is the last event, so that nobody needs its id. */
  protected override onResponse(response: Message, event: SseEvent): void {
    super.onResponse(response, { ...event, id: undefined })
  }

  /** What its client can come back for is the whole call, and an error is an answer to it. */
  protected override canResume(): boolean {
    return false
  }

  protected override canComeBack(): boolean {
    return this.begun && this.hasId
  }

  protected override forgetAnswer(): void {
    // An event that was held back goes with its id.
    if (!this.begun) this.hasId = false
    super.forgetAnswer()
  }

  private takeId(): string | undefined {
    this.hasId = true
    return eventIdOf(this.context, this.incoming, this.modern)
  }

  private prime(): void {
    const id = this.takeId()
    if (id !== undefined) this.write(primer(id))
  }
}
