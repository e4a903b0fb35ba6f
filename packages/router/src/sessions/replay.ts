import type { Session } from '@mcp-router/core'
import { messageFrame } from '@mcp-router/protocol'
import type { Stream } from './stream.js'

/**
 * Form is how events are told: without ids, with ids so that a client can resume (spec 2025-03-26), or with ids and an empty event first that
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
  readonly frame: Buffer
  /** ms, as `performance.now()` counts */
  readonly at: number
}

/** Up to so many events, and so many of their bytes, are kept of a stream; then the oldest goes, but never the newest. */
const maxEvents = 256
const maxBytes = 4 * 1024 * 1024

/** How long an event can be told again, ms, and how long a stream may be without a client. */
export const maxAgeMs = 5 * 60_000

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
  private form: Form = 'plain'
  // Consecutive; the last of them is event `last`.
  private readonly kept: Kept[] = []
  private keptBytes = 0
  private last = 0
  private written = 0
  private ended = false
  private awaySince = performance.now()

  constructor(name: string, keeper: ReplayKeeper) {
    this.name = name
    this.keeper = keeper
  }

  /** attach goes on with this Stream, behind event `after`; an earlier Stream is ended. */
  attach(stream: Stream, form: Form, after = this.written): void {
    this.stream?.end()
    this.stream = stream
    this.form = form
    if (form === 'primed') stream.frame(primer(this.name, after))
    const before = this.last - this.kept.length
    this.kept.forEach(({ frame }, at) => {
      const n = before + at + 1
      if (n > after) this.write(stream, n, frame)
    })
    this.written = this.last
    if (form === 'plain') this.forget(this.kept.length)
    if (this.ended) stream.end()
  }

  detach(stream: Stream): void {
    if (this.stream !== stream) return
    this.stream = undefined
    this.awaySince = performance.now()
  }

  /** say tells one message, now or once somebody listens. */
  say(bytes: Buffer): void {
    if (this.ended) return
    const frame = messageFrame(bytes)
    this.last++
    if (this.stream?.isOpen()) {
      this.write(this.stream, this.last, frame)
      this.written = this.last
      if (this.form === 'plain') return
    }
    this.keep(frame)
  }

  /** end says that nothing more comes. What is kept can still be fetched. */
  end(): void {
    this.ended = true
    this.awaySince = performance.now()
    this.stream?.end()
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

  isHeard(): boolean {
    return this.stream?.isOpen() ?? false
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
    return !this.isHeard() && now - this.awaySince > maxAgeMs
  }

  private write(stream: Stream, n: number, frame: Buffer): void {
    const { form, name } = this
    stream.frame(form === 'plain' ? frame : Buffer.concat([idLine(name, n), frame]))
  }

  private keep(frame: Buffer): void {
    if (this.kept.length === 0) this.keeper.onKept()
    this.kept.push({ frame, at: performance.now() })
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

const idLine = (name: string, n: number): Buffer => Buffer.from(`id: ${name}:${n}\n`)

const primer = (name: string, n: number): Buffer =>
  Buffer.from(`id: ${name}:${n}\nretry: ${retryMs}\ndata: \n\n`)
