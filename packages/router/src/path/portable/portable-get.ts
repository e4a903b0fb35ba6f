import { discard } from '@mcp-router/upstream'
import type { HttpAnswer } from '@mcp-router/upstream'
import { SessionGet } from './session-get.js'

/** How often an Endpoint that has a stream of the session already is asked again for one, ms. */
const seldomMs = 500
/** An Endpoint learns by itself that the stream before this one has ended: so often it is asked again soon, and after how long at most, ms. */
const soonTries = 40
const maxSoonMs = 50
/** So often it is asked again soon where the one before may have been closed by its client a moment ago; some servers refuse with 400 then, as if they gave none. */
const unclearTries = 8
/** PortableGet is a stream that waits where its Endpoint allows one of a session and has another one, until that is free. */
export abstract class PortableGet extends SessionGet {
  /** How often the Endpoint has refused it since it was hurried last. */
  protected refusals = 0
  /** It had a stream itself, and closed it to be sent another one. */
  protected replacesItself = false
  private retry: NodeJS.Timeout | undefined

  /** hurry asks an Endpoint that refused it again at once. */
  hurry(): void {
    this.refusals = 0
    if (this.retry) discard(this.askAgain())
  }

  protected override judgeKnown(answer: HttpAnswer): void {
    const { status } = answer
    const refuse = (): void => super.judgeKnown(answer)
    const isAway = this.isAway()
    // A server learns late that the first stream has ended.
    const isUnclear = status === 400 && this.refusals < (isAway ? soonTries : unclearTries)
    if (status === 409 || (isUnclear && isAway)) this.waitForTurn()
    else if (isUnclear) this.askSoon()
    else if (status === 400) discard(this.gather().then((does) => does || refuse()))
    else refuse()
  }

  /** askSoon asks again before the client is told anything: this server may give none. */
  private askSoon(): void {
    this.refusals++
    if (!this.yields()) this.askIn(soonMs(this.refusals))
  }

  /** waitForTurn opens the client's stream, and asks again until the Endpoint has none of the session any more. */
  private waitForTurn(): void {
    this.refusals++
    if (this.yields()) return
    this.beginStream()
    this.isWaiting = true
    const isFreed = this.replacesItself || this.isAway()
    const isHurried = this.refusals <= (isFreed ? soonTries : unclearTries)
    this.askIn(isHurried ? soonMs(this.refusals) : seldomMs)
  }

  private askIn(delayMs: number): void {
    this.retry = setTimeout(() => discard(this.askAgain()), delayMs).unref()
  }

  private async askAgain(): Promise<void> {
    clearTimeout(this.retry)
    this.retry = undefined
    const asksOthers = this.refusals === 1 || (this.refusals > soonTries && this.isAway())
    if (asksOthers && (await this.gather())) return
    this.send()
  }

  protected override finish(): void {
    clearTimeout(this.retry)
    super.finish()
  }

  /** yields goes on with what the Endpoint has. False: it is waited for. */
  protected abstract yields(): boolean
  /** gather has Instances that drain close theirs. True: it goes on at another Instance, or is over. */
  protected abstract gather(): Promise<boolean>
}

const soonMs = (refusals: number): number => Math.min(2 ** refusals, maxSoonMs)
