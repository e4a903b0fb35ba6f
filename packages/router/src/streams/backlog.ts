import { createSseDecoder, eventBytes, isStrayProgress, scanMessage } from '@mcp-router/protocol'
import type { Message, SseEvent } from '@mcp-router/protocol'

/** Missed is what a client missed of its server's own stream. */
export interface Missed {
  /** What was delivered to nobody, as frames of SSE. */
  readonly frames: readonly Buffer[]
  /** The ids of all events that came, delivered or not: oldest first. */
  readonly ids: readonly string[]
}

/** A server that says more than this to a client that is away is not kept in mind. */
const maxBytes = 1024 * 1024
const maxEvents = 1_000

/** Backlog is what the server of a Session says on its own stream while no client reads it, but for what calls deliver. */
export class Backlog implements Missed {
  frames: Buffer[] = []
  ids: string[] = []
  private bytes = 0
  private readonly deliver: (message: Message) => boolean

  /** `deliver` has a call take a message; false: none can. */
  constructor(deliver: (message: Message) => boolean) {
    this.deliver = deliver
  }

  /** push takes the next event of the stream. */
  push(event: SseEvent): void {
    if (event.id !== undefined) this.ids.push(event.id)
    if (this.ids.length > maxEvents) this.ids.shift()
    if (event.event === 'message' && event.data.length > 0) this.offer(event)
  }

  /** add appends what another stream had. */
  add({ frames, ids }: Missed): void {
    this.ids.push(...ids)
    for (const frame of frames) this.keep(frame)
  }

  /** redeliver offers what was kept once more: there may be a call now that can take it. */
  redeliver(): void {
    const frames = this.frames.splice(0)
    this.bytes = 0
    const decoder = createSseDecoder((event) => this.offer(event))
    for (const frame of frames) decoder.push(frame)
  }

  keep(frame: Buffer): void {
    if (this.bytes + frame.length > maxBytes || this.frames.length >= maxEvents) return
    this.bytes += frame.length
    this.frames.push(frame)
  }

  private offer(event: SseEvent): void {
    const message = scanMessage(event.data)
    // The answer to a call comes on the call's own stream, or it is nobody's.
    if (message.kind === 'response' || isStrayProgress(message, () => true)) return
    if (!this.deliver(message)) this.keep(eventBytes(event))
  }
}

/** writeMissed is what one Instance sends another of it; Latin-1 maps every byte to itself. */
export const writeMissed = ({ frames, ids }: Missed): string =>
  JSON.stringify({ frames: frames.map((frame) => frame.toString('latin1')), ids })

export const readMissed = (body: Buffer): Missed => {
  const { frames, ids } = JSON.parse(body.toString('utf8')) as { frames: string[]; ids: string[] } // an Instance's
  return { frames: frames.map((frame) => Buffer.from(frame, 'latin1')), ids }
}
