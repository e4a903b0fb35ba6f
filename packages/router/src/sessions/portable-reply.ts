import type { SessionId } from '@mcp-router/core'
import type { RouterError } from '@mcp-router/core'
import { createSseDecoder, errorBytes, MalformedMessage, scanMessage } from '@mcp-router/protocol'
import type { Message } from '@mcp-router/protocol'
import type { Context } from '../downstream/context.js'
import type { Incoming } from '../incoming.js'
import type { Replay } from './replay.js'
import { openStream } from './stream.js'
import { StreamedCall } from './streamed.js'

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
  private decoder: ReturnType<typeof createSseDecoder> | undefined
  private chunks: Buffer[] | undefined
  private answered = false

  /** `onLapsed` comes when its client stays away for good. */
  constructor(
    context: Context,
    incoming: Incoming,
    session: SessionId,
    message: Message,
    onLapsed: () => void,
  ) {
    this.incoming = incoming
    this.message = message
    this.replay = context.portableReplays.open(session, message.id, onLapsed)
    this.call = new StreamedCall(context, session, message)
    this.call.begin()
    incoming.streaming = true
    const stream = openStream(incoming.res, context.keep, () => this.replay.detach(stream))
    this.replay.attach(stream, 'primed')
    this.expect(true)
  }

  /** expect says how the Endpoint answers: with events, or with one JSON body. */
  expect(isStream: boolean): void {
    this.chunks = isStream ? undefined : []
    this.decoder = isStream
      ? createSseDecoder(({ event, data }) => {
          if (event === 'message' && data.length > 0) this.hear(data)
        })
      : undefined
  }

  push(chunk: Buffer): void {
    if (this.answered) return
    if (this.chunks) this.chunks.push(chunk)
    else this.decoder?.push(chunk)
  }

  /** end is the end of what the Endpoint says; false: the answer was not in it. */
  end(): boolean {
    if (this.chunks && this.chunks.length > 0) this.hear(Buffer.concat(this.chunks))
    return this.answered
  }

  fail(error: RouterError): void {
    const { rpc, message, told } = error
    this.conclude(errorBytes(this.message.id, rpc, message, told), error.code)
  }

  isAnswered(): boolean {
    return this.answered
  }

  private hear(bytes: Buffer): void {
    if (this.answers(bytes)) this.conclude(bytes, 'ok')
    else this.replay.say(bytes)
  }

  private answers(bytes: Buffer): boolean {
    try {
      const { kind, id } = scanMessage(bytes)
      return kind === 'response' && id === this.message.id
    } catch (error) {
      if (error instanceof MalformedMessage) return false
      throw error
    }
  }

  private conclude(answer: Buffer, outcome: string): void {
    if (this.answered) return
    this.answered = true
    const isHeard = this.replay.isHeard()
    this.replay.say(answer)
    this.replay.end()
    this.incoming.done(200, outcome)
    this.call.end(answer, isHeard)
  }
}
