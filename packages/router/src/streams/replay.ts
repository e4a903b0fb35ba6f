import type { Session } from '@mcp-router/core'
import { messageFrame } from '@mcp-router/protocol'
import type { Stream } from '../outlet/stream.js'
import { answerId } from './stream-id.js'

/**
 * Form is how events are written: without ids, with ids so that a client can resume (spec 2025-03-26), or with ids and an empty event first that
 * gives it one at once (spec 2025-11-25; clients before it fail on empty data).
 */
export type Form = 'plain' | 'numbered' | 'primed'

/** formOf goes by what was agreed on; revisions are dates, so their order as text is their order in time. */
export const formOf = ({ downstream, revision }: Session): Form => {
  if (downstream === 'sse' || revision < '2025-03-26') return 'plain'
  return revision < '2025-11-25' ? 'numbered' : 'primed'
}

/** ReplayKeeper is told what a Replay keeps. */
export interface ReplayKeeper {
  /** It begins to keep events. */
  onKept(): void
  /** It keeps so many bytes more, or less. */
  onBytes(replay: Replay, change: number): void
  onEnd(replay: Replay): void
}

interface Kept {
  /** Empty once it was withdrawn. */
  frame: Buffer
  /** Which response it is (CallRef.entry), on streams of 2024-11-05. */
  readonly entry: string | undefined
  /** ms, as `performance.now()` counts */
  readonly at: number
}

/** Up to so many events, and so many of their bytes, are kept of a stream; then the oldest goes, but never the newest. */
const maxEvents = 256
const maxBytes = 4 * 1024 * 1024

/** How long an event can be told again, ms, and how long a stream may be without a client. */
export const maxAgeMs = 5 * 60_000

/** So many Streams a client may have beside the newest; then the oldest is ended. */
const maxSpares = 8

/** How long a client should wait before it resumes, ms. */
const retryMs = 1_000

/**
 * Replay is one stream of events as its client is to hear it, whatever becomes of connections: what is said while nobody listens waits for
 * the next Stream, and with ids, what was said lately can be told again.
 */
export class Replay {
  readonly name: string
  private readonly keeper: ReplayKeeper
  private stream: Stream | undefined
  /** Earlier Streams, oldest first, where a client may have several; undefined: it may not. */
  private readonly spares: Stream[] | undefined
  private form: Form = 'plain'
  private streamId: string | undefined
  // Consecutive; the last of them is event `last`.
  private readonly kept: Kept[] = []
  private keptBytes = 0
  private last = 0
  private written = 0
  private ended = false
  private awaySince = performance.now()

  constructor(name: string, keeper: ReplayKeeper, spares?: Stream[]) {
    this.name = name
    this.keeper = keeper
    this.spares = spares
  }

  /**
   * attach goes on with this Stream, behind event `after`; an earlier Stream is a spare from now on, or ended. `streamId` goes with responses
   * to clients of 2024-11-05 (StreamId).
   */
  attach(stream: Stream, form: Form, after = this.written, streamId?: string): void {
    this.setAside(form)
    this.stream = stream
    this.form = form
    this.streamId = streamId
    if (form === 'primed') stream.frame(primer(this.name, after))
    this.catchUp(stream, after)
    if (form === 'plain') this.forget(this.kept.length)
    if (this.ended) stream.end()
  }

  private catchUp(stream: Stream, after: number): void {
    const before = this.last - this.kept.length
    this.kept.forEach(({ frame, entry }, at) => {
      const n = before + at + 1
      if (n > after && frame.length > 0) this.write(stream, n, frame, entry)
    })
    this.written = this.last
  }

  /** setAside makes room for another Stream. A client of 2024-11-05 has one at a time (spec 2025-03-26, transports: several streams). */
  private setAside(form: Form): void {
    const { stream, spares } = this
    if (!stream) return
    if (!spares || form === 'plain' || !stream.isOpen()) {
      stream.end()
      return
    }
    spares.push(stream)
    if (spares.length > maxSpares) spares.shift()?.end()
  }

  /** detach is for a Stream that has closed; the newest of the others takes its place. */
  detach(stream: Stream): void {
    const at = this.spares?.indexOf(stream) ?? -1
    if (at >= 0) this.spares?.splice(at, 1)
    if (this.stream !== stream) return
    this.stream = this.spares?.pop()
    if (this.stream) this.catchUp(this.stream, this.written)
    else this.awaySince = performance.now()
  }

  /** withdraw drops a response that waits for the next Stream. */
  withdraw(entry: string): void {
    for (const each of this.kept) {
      if (each.entry !== entry || each.frame.length === 0) continue
      this.keptBytes -= each.frame.length
      this.keeper.onBytes(this, -each.frame.length)
      each.frame = noData
    }
  }

  /** say writes one message, now or once a client has the stream; `entry`: which response it is (CallRef.entry). */
  say(bytes: Buffer, entry?: string): void {
    if (this.ended) return
    const frame = messageFrame(bytes)
    this.last++
    if (this.stream?.isOpen()) {
      this.write(this.stream, this.last, frame, entry)
      this.written = this.last
      if (this.form === 'plain') return
    }
    this.keep(frame, entry)
  }

  /** end says that nothing more comes. What is kept can still be fetched. */
  end(): void {
    this.ended = true
    this.awaySince = performance.now()
    this.stream?.end()
    this.spares?.forEach((spare) => spare.end())
    this.keeper.onEnd(this)
  }

  /** shrink lets go of all but the newest event. */
  shrink(): void {
    this.forget(this.kept.length - 1)
  }

  /** drop lets go of everything: nobody finds it any more. */
  drop(): void {
    this.ended = true
    this.forget(this.kept.length)
  }

  /** isOn tells that it goes on with this Stream. */
  isOn(stream: Stream): boolean {
    return this.stream === stream
  }

  /** forgetAll drops what waits for the next Stream. */
  forgetAll(): void {
    this.forget(this.kept.length)
  }

  isConnected(): boolean {
    return this.stream?.isOpen() ?? false
  }

  /** canResume tells that its client has an id of it, by which it can come back. */
  canResume(): boolean {
    return this.form === 'primed' || (this.form === 'numbered' && this.last > 0)
  }

  hasEnded(): boolean {
    return this.ended
  }

  /** has tells that event `n` was said; 0 stands for the beginning. */
  has(n: number): boolean {
    return n <= this.last
  }

  /** isOverAt tells that nothing came behind event `n`, nor will. */
  isOverAt(n: number): boolean {
    return this.ended && n === this.last
  }

  bytes(): number {
    return this.keptBytes
  }

  /** age lets go of events that are too old; true: some are left. */
  age(now: number): boolean {
    const young = this.kept.findIndex(({ at }) => now - at <= maxAgeMs)
    this.forget(young < 0 ? this.kept.length : young)
    return this.kept.length > 0
  }

  /** isStale tells that no client came for so long that none will. */
  isStale(now: number): boolean {
    return !this.isConnected() && now - this.awaySince > maxAgeMs
  }

  private write(stream: Stream, n: number, frame: Buffer, entry: string | undefined): void {
    const { form, name, streamId } = this
    if (form !== 'plain') stream.frame(Buffer.concat([idLine(`${name}:${n}`), frame]))
    else if (entry === undefined || streamId === undefined) stream.frame(frame)
    else stream.frame(Buffer.concat([idLine(answerId(streamId, entry)), frame]))
  }

  private keep(frame: Buffer, entry: string | undefined): void {
    if (this.kept.length === 0) this.keeper.onKept()
    this.kept.push({ frame, entry, at: performance.now() })
    this.keptBytes += frame.length
    this.keeper.onBytes(this, frame.length)
    while (this.isTooMuch()) this.forget(1)
  }

  private isTooMuch(): boolean {
    return this.kept.length > maxEvents || (this.keptBytes > maxBytes && this.kept.length > 1)
  }

  private forget(count: number): void {
    let bytes = 0
    for (const { frame } of this.kept.splice(0, count)) bytes += frame.length
    if (bytes === 0) return
    this.keptBytes -= bytes
    this.keeper.onBytes(this, -bytes)
  }
}

const noData = Buffer.alloc(0)

const idLine = (id: string): Buffer => Buffer.from(`id: ${id}\n`)

const primer = (name: string, n: number): Buffer =>
  Buffer.from(`id: ${name}:${n}\nretry: ${retryMs}\ndata: \n\n`)
