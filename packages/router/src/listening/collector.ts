import type { SessionId } from '@mcp-router/core'
import { discard } from '@mcp-router/upstream'
import type { Listening } from './listening.js'
import type { Missed } from '../streams/missed.js'

/** Collector has released for a client's stream what the client missed when it was away. What comes too late for it is for the client's next stream. */
export class Collector {
  private readonly listening: Pick<Listening, 'collect' | 'keepForClient'>
  private readonly id: SessionId
  private readonly give: (missed: Missed) => boolean
  /** Set once something is collected for it, or for the one whose place it took. */
  private collecting: Promise<boolean> | undefined

  /** `give` is false where the client has no stream. */
  constructor(
    listening: Pick<Listening, 'collect' | 'keepForClient'>,
    id: SessionId,
    give: (missed: Missed) => boolean,
  ) {
    this.listening = listening
    this.id = id
    this.give = give
  }

  /** collect resolves with whether anybody had anything, once what was asked for before has come. */
  collect(isLate: boolean): Promise<boolean> {
    this.collecting = this.collected(isLate, this.collecting)
    return this.collecting
  }

  /** succeed goes on for a stream that has taken the place of another one. */
  succeed(earlier: Collector): void {
    this.collecting ??= earlier.collecting
  }

  private async collected(isLate: boolean, before?: Promise<boolean>): Promise<boolean> {
    const hand = (missed: Missed): void => {
      if (!this.give(missed)) this.listening.keepForClient(this.id, missed)
    }
    const take = (missed: Missed): void => discard(Promise.resolve(before).then(() => hand(missed)))
    const collecting = this.listening.collect(this.id, take, isLate).catch(() => false)
    return (await Promise.all([collecting, before]))[0]
  }
}
