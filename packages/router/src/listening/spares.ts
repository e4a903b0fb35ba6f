import { keepAliveFrame } from '@mcp-router/protocol'
import type { Incoming } from '../http/incoming.js'
import { beginStream } from '../outlet/stream.js'

/** So many responses a client may have beside the newest; then the oldest is ended. */
const maxSpares = 8

/** Spares are the responses of a client's streams beside the newest, the oldest first: nothing but keep-alives is written to them. */
export class Spares {
  private all: Incoming[] = []

  add(incoming: Incoming): void {
    this.all.push(incoming)
    if (this.all.length > maxSpares) this.all.shift()?.res.end()
  }

  /** take takes over all of others, and the response that these were beside. */
  take(others: Spares, newest: Incoming): readonly Incoming[] {
    this.all.push(...others.all.splice(0), newest)
    return this.all
  }

  begin(): void {
    this.all.forEach(beginStream)
  }

  keepAlive(): void {
    for (const { res } of this.all) res.write(keepAliveFrame)
  }

  remove(incoming: Incoming): void {
    this.all = this.all.filter((each) => each !== incoming)
  }

  /** newest takes out the newest of them. */
  newest(): Incoming | undefined {
    return this.all.pop()
  }

  end(): void {
    for (const { res } of this.all.splice(0)) res.end()
  }
}
