import { ChunkCollector } from '@mcp-router/protocol'
import type { LongAnswers } from './long-answers.js'

/** JSON is held until it is known whose answer it is: its id may come last, or twice. More than so many bytes of one answer count for all. */
const longBytes = 1024 * 1024

/** AnswerBody is what an Endpoint answered so far, where that is no stream. */
export class AnswerBody {
  private readonly held = new ChunkCollector()
  /** What was taken of LongAnswers. */
  private longHeld = 0

  get bytes(): number {
    return this.held.bytes
  }

  /** push holds one more piece. False: it is more than can be held now. */
  push(chunk: Buffer, longAnswers: LongAnswers): boolean {
    this.held.push(chunk)
    const { bytes } = this.held
    if (bytes <= longBytes) return true
    if (!longAnswers.take(bytes - this.longHeld)) return false
    this.longHeld = bytes
    return true
  }

  /** isLong tells that `release` has to be called. */
  isLong(): boolean {
    return this.longHeld > 0
  }

  release(longAnswers: LongAnswers): void {
    longAnswers.release(this.longHeld)
    this.longHeld = 0
  }

  /** take gives what is held away. */
  take(): Buffer {
    return this.held.take()
  }

  reset(longAnswers: LongAnswers): void {
    this.held.take()
    this.release(longAnswers)
  }
}
