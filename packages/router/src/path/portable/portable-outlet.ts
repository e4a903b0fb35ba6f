import { eventBytes, eventStreamType, messageFrame } from '@mcp-router/protocol'
import type { Message, SseEvent } from '@mcp-router/protocol'
import { failureOf } from '../../calls/failure.js'
import { outcomeUnknown } from '../../calls/outcome.js'
import type { Context } from '../../context.js'
import type { Incoming, Quiet } from '../../http/incoming.js'
import type { Outlet } from '../../outlet/outlet.js'
import { PostReply } from '../../outlet/reply.js'
import { Writer } from '../../outlet/writer.js'
import type { SessionEntry } from '../../sessions/entry.js'
import { formOf } from '../../streams/replay.js'
import { StreamedCall } from '../../streams/streamed.js'
import type { Head } from '../http-exchange.js'

/** First is the first message of a stream that has not begun. */
interface First {
  readonly message: Message
  readonly isResponse: boolean
}

/**
 * PortableOutlet answers one POST of a portable Session with what its Endpoint sends: JSON, or a stream event by event. A client of a revision that can
 * resume gets numbers for the events where the Endpoint gives none: a PostReply goes on with the stream then.
 */
export class PortableOutlet extends Writer implements Outlet, Quiet {
  private readonly context: Context
  private readonly session: SessionEntry
  private readonly message: Message
  private reply: PostReply | undefined
  private first: First | undefined
  private isNumbered: boolean | undefined
  private isAnswered = false

  constructor(context: Context, incoming: Incoming, session: SessionEntry, message: Message) {
    super(incoming, context)
    this.context = context
    this.session = session
    this.message = message
    incoming.quiet = this
  }

  /** resume begins it for a client that came back for the answer, which is a numbered stream in any case. */
  resume(): void {
    this.begun = true
    this.number()
  }

  onHead({ status, headers }: Head, isStream: boolean): void {
    if (isStream) this.takeHead(status, headers)
  }

  /** The answer is a stream from here on; one that comes as JSON will be its last event. */
  onQuiet(): void {
    if (this.begun || this.over || this.message.kind !== 'request') return
    this.takeHead(200, eventStream)
    this.begin()
  }

  say(said: Message, event: SseEvent): void {
    this.put({ ...event, data: said.bytes }, { message: said, isResponse: false })
  }

  onEvent(event: SseEvent): void {
    const isEmpty = event.data.length === 0
    // It gives its stream an id (2025-11-25); clients before that fail on it.
    if (!isEmpty || (event.id !== undefined && this.isPrimed())) this.put(event)
    // It says nothing of the call, whose stream does not begin for it.
    else if (event.retry !== undefined) this.insert(eventBytes({ ...event, id: undefined }))
  }

  sayOutside(said: Message): boolean {
    // It is JSON that is on its way already.
    if (this.over || (!this.streams && !this.reply && (this.begun || this.held))) return false
    if (!this.streams && !this.reply) this.takeHead(200, eventStream)
    if (this.reply) this.reply.say(said)
    else if (this.begun) this.insert(messageFrame(said.bytes))
    else {
      this.say(said, plainEvent)
      this.begin()
    }
    return true
  }

  answer(response: Message, { status, headers }: Head, event?: SseEvent): void {
    this.isAnswered = true
    const { bytes } = response
    if (this.reply || event) {
      const last = { ...(event ?? plainEvent), data: bytes }
      this.put(last, { message: response, isResponse: true })
      return
    }
    this.incoming.accepted?.finish(bytes, this.incoming.isClosed())
    if (this.begun) this.pass(messageFrame(bytes))
    else {
      // A client would take 404 for the end of its session.
      this.takeHead(status === 404 ? 200 : status, headers)
      this.held = bytes
    }
    this.conclude()
  }

  onEnd(): void {
    if (!this.reply) this.conclude()
  }

  override fail(error: Error): void {
    const failure = failureOf(this.incoming.backend, error)
    if (this.reply) this.reply.giveUp(failure)
    else super.fail(failure)
  }

  override forget(): void {
    super.forget()
    this.first = undefined
    if (!this.begun) this.isNumbered = undefined
  }

  hasIds(): boolean {
    return !this.reply && this.streams && this.isNumbered === true
  }

  /** Whoever cannot come back for the answer is told that there will be none. */
  override end(): void {
    const isAwaited = this.message.kind === 'request' && !this.isAnswered && !this.over
    if (!isAwaited || this.reply || (this.begun && this.hasIds())) {
      super.end()
      return
    }
    this.stop(stopping)
    this.fail(outcomeUnknown(this.incoming))
  }

  override begin(): void {
    const isPlain = !this.streams || this.status !== 200 || this.isNumbered || !this.isPrimed()
    if (this.begun || this.over || isPlain || this.message.kind !== 'request') {
      super.begin()
      return
    }
    this.begun = true
    this.held = undefined
    this.number()
    if (this.first) this.forward(this.first)
  }

  /** Once there are numbers, leaving is no cancellation: whoever has one can come back for the rest (PostReply). */
  protected override onClientClose(): void {
    if (!this.reply) super.onClientClose()
  }

  private isPrimed(): boolean {
    return formOf(this.session.record) === 'primed'
  }

  private put(event: SseEvent, first?: First): void {
    this.isNumbered ??= event.id !== undefined
    if (this.begun || this.held || this.reply) this.begin()
    else this.first = first
    if (!this.reply) this.pass(eventBytes(event))
    else if (first) this.forward(first)
  }

  private forward({ message, isResponse }: First): void {
    if (isResponse) this.reply?.answer(message)
    else this.reply?.say(message)
  }

  private number(): void {
    const { context, incoming, session, message } = this
    const { id } = session.record
    const release = (): void => {
      this.finish()
      if (!this.isAnswered) this.stop(lapsed)
    }
    const replays = {
      open: (requestId: string, onLapsed: () => void) =>
        context.portableReplays.open(id, requestId, onLapsed),
    }
    const streamed = new StreamedCall(context, incoming, session.record, message)
    const terms = { form: 'primed', streamed, isResumed: true } as const
    this.reply = new PostReply(incoming, context, { replays, release }, terms)
  }
}

const plainEvent = { event: 'message', data: Buffer.alloc(0), id: undefined }
const eventStream = { 'content-type': eventStreamType }
const stopping = new Error('the instance is stopping')
const lapsed = new Error('its client did not come back')
