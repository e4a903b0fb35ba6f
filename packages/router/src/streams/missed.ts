import {
  createSseDecoder,
  eventBytes,
  isStrayProgress,
  MalformedMessage,
  scanMessage,
} from '@mcp-router/protocol'
import type { Message, SseEvent } from '@mcp-router/protocol'
import { marked } from '../sessions/question-id.js'

/** Missed is what the server of a Session said on its own stream while its client's was away. */
export interface Missed {
  /** What nobody has delivered, as frames of SSE. */
  readonly frames: readonly Buffer[]
  /** Every event that came, delivered or not, where they have ids: oldest first. */
  readonly ids: readonly string[]
}

/** A server that says more than this to a client that is away is not kept in mind. */
const maxBytes = 1024 * 1024
const maxEvents = 1_000

/** Missing collects what is missed, unless somebody takes it. */
export class Missing {
  private frames: Buffer[] = []
  private bytes = 0
  private readonly ids: string[] = []
  /** Takes all that comes, from when it is set. */
  heir: ((event: SseEvent) => void) | undefined
  private readonly take: (message: Message) => boolean
  private readonly session: string
  private readonly decoder

  /** `take` delivers a message that has just come; false: nobody can. `session`: whose ids have no mark yet. */
  constructor(take: (message: Message) => boolean, maxEventBytes: number, session = '') {
    this.take = take
    this.session = session
    this.decoder = createSseDecoder((event) => this.hear(event), maxEventBytes)
  }

  /** push takes bytes of the stream as they come. It throws MalformedMessage for an event that is too long. */
  push(chunk: Buffer): void {
    this.decoder.push(chunk)
  }

  /** retake offers what was kept once more: there may be somebody now. */
  retake(): void {
    const frames = this.frames
    this.frames = []
    this.bytes = 0
    const decoder = createSseDecoder((event) => this.offer(event, scanMessage(event.data)))
    for (const frame of frames) decoder.push(frame)
  }

  /** handOn is all of it, which is nobody else's from now on. */
  handOn(): Missed {
    const { frames } = this
    this.frames = []
    this.bytes = 0
    return { frames, ids: this.ids.slice() }
  }

  all(): Missed {
    return { frames: this.frames, ids: this.ids }
  }

  private hear(event: SseEvent): void {
    if (this.heir) {
      this.heir(event)
      return
    }
    if (event.id !== undefined) this.ids.push(event.id)
    if (this.ids.length > maxEvents) this.ids.shift()
    if (event.event !== 'message' || event.data.length === 0) return
    const message = messageIn(event.data)
    if (message) this.offer(event, marked(message, this.session))
  }

  private offer(event: SseEvent, message: Message): void {
    // The answer to a call comes on the call's own stream, or it is nobody's.
    if (message.kind === 'response' || isStrayProgress(message, () => true)) return
    if (this.take(message)) return
    const frame = eventBytes({ ...event, data: message.bytes })
    if (this.bytes + frame.length > maxBytes || this.frames.length >= maxEvents) return
    this.bytes += frame.length
    this.frames.push(frame)
  }
}

const messageIn = (data: Buffer): Message | undefined => {
  try {
    return scanMessage(data)
  } catch (error) {
    if (error instanceof MalformedMessage) return undefined
    throw error
  }
}

/** joinMissed is all of it, oldest first; undefined: nobody had anything. */
export const joinMissed = (all: readonly (Missed | undefined)[]): Missed | undefined => {
  const some = all.filter((each) => each !== undefined)
  if (some.length === 0) return undefined
  return { frames: some.flatMap(({ frames }) => frames), ids: some.flatMap(({ ids }) => ids) }
}

/** writeMissed is what one Instance sends another of it; Latin-1 maps every byte to itself. */
export const writeMissed = ({ frames, ids }: Missed): string =>
  JSON.stringify({ frames: frames.map((frame) => frame.toString('latin1')), ids })

export const readMissed = (body: Buffer): Missed => {
  const { frames, ids } = JSON.parse(body.toString('utf8')) as { frames: string[]; ids: string[] } // an Instance's
  return { frames: frames.map((frame) => Buffer.from(frame, 'latin1')), ids }
}
