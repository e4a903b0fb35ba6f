import type { RouterError, Session } from '@mcp-router/core'
import { createSseDecoder, errorBytes, MalformedMessage, scanMessage } from '@mcp-router/protocol'
import type { Message, SseDecoder } from '@mcp-router/protocol'
import type { Context } from '../../context.js'
import type { Incoming } from '../../http/incoming.js'
import type { KeepAlive } from '../../http/keep-alive.js'
import type { Replay } from '../../streams/replay.js'
import { openStream } from '../../outlet/stream.js'
import { StreamedCall } from '../../streams/streamed.js'

/**
 * PortableReply is the answer to a call of a portable Session once it has become a stream whose events the Endpoint does not number: they get
 * numbers here, and the call is in the Journal until it is answered, so that the client can resume at any Instance (spec 2025-11-25,
 * transports §Resumability).
 */
export class PortableReply {
  private readonly incoming: Incoming
  private readonly message: Message
  private readonly replay: Replay
  private readonly call: StreamedCall
  private readonly decoder: SseDecoder
  private readonly keep: KeepAlive
  private answered = false

  /** `onLapsed` comes when its client stays away for good. */
  constructor(
    context: Context,
    incoming: Incoming,
    session: Session,
    message: Message,
    onLapsed: () => void,
  ) {
    this.incoming = incoming
    this.message = message
    this.replay = context.portableReplays.open(session.id, message.id, onLapsed)
    this.call = new StreamedCall(context, incoming, session, message)
    this.keep = context.keep
    this.decoder = createSseDecoder(({ event, data }) => {
      if (event === 'message' && data.length > 0) this.hear(data)
    }, context.deps.client.maxResponseBytes)
    // Until it is noted, Nginx may send it to another Instance.
    void this.call.begin(this.replay.name).then(() => this.open())
  }

  /** isOpen tells that the stream has begun: its client can come back for it. */
  isOpen(): boolean {
    return this.incoming.streaming
  }

  /** push takes events, whole or in parts. */
  push(frames: Buffer): void {
    if (!this.answered) this.decoder.push(frames)
  }

  fail(error: RouterError): void {
    const { rpc, message, told } = error
    this.conclude(errorBytes(this.message.id, rpc, message, told), error.code)
  }

  isAnswered(): boolean {
    return this.answered
  }

  /** open sends the head of the stream, and what was said meanwhile. */
  private open(): void {
    const { incoming, replay } = this
    if (incoming.streaming || incoming.isClosed()) return
    incoming.streaming = true
    const stream = openStream(incoming.res, this.keep, () => replay.detach(stream))
    replay.attach(stream, 'primed')
  }

  private hear(bytes: Buffer): void {
    const message = messageIn(bytes)
    if (message?.kind === 'response' && message.id === this.message.id) {
      this.conclude(bytes, 'ok')
      return
    }
    this.replay.say(bytes)
    // The server waits for somebody to answer.
    if (message?.kind === 'request') this.open()
  }

  private conclude(answer: Buffer, outcome: string): void {
    if (this.answered) return
    this.answered = true
    this.open()
    const isHeard = this.replay.isHeard()
    this.replay.say(answer)
    this.replay.end()
    this.incoming.done(200, outcome)
    this.call.end(answer, isHeard)
  }
}

const messageIn = (bytes: Buffer): Message | undefined => {
  try {
    return scanMessage(bytes)
  } catch (error) {
    if (error instanceof MalformedMessage) return undefined
    throw error
  }
}
