/** How often an Endpoint that has a stream of the session already is asked again for one, ms. */
const seldomMs = 500
/** An Endpoint learns by itself that the stream before this one has ended: so often it is asked again soon, and after how long at most, ms. */
const soonTries = 40
const maxSoonMs = 50
/** A stream that may be the same one as another of its client waits for its turn so often, some 200 ms. */
const rivalTries = 8

/** Turn is how a stream waits for an Endpoint that has another one of the session. */
export class Turn {
  private tries = 0

  /** wait counts one more refusal, and returns how long to wait, ms; `isHurried`: the other one has ended, or is about to. */
  wait(isHurried: boolean): number {
    this.tries++
    return isHurried && this.isSoon() ? Math.min(2 ** this.tries, maxSoonMs) : seldomMs
  }

  /** hurry begins to ask often again. */
  hurry(): void {
    this.tries = 0
  }

  isFirst(): boolean {
    return this.tries === 1
  }

  /** isRival tells that another stream of the client may still end by itself. */
  isRival(): boolean {
    return this.tries <= rivalTries
  }

  /** isSoon tells that it has not been asked for long. */
  isSoon(): boolean {
    return this.tries <= soonTries
  }
}
