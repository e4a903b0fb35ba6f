import { eventStreamType } from '@mcp-router/protocol'
import { discard, isEventStream } from '@mcp-router/upstream'
import type { HttpAnswer, HttpController, HttpHeaders } from '@mcp-router/upstream'
import { HeadLimit } from './head-limit.js'
import { PortableRelay } from './portable-relay.js'

/** Some servers send the head of a stream with its first event only: it counts as open after this, ms. */
export const headMs = 500
/** How often an Endpoint that has a stream of the session already is asked again for one, ms. */
const seldomMs = 500
/** An Endpoint learns by itself that the stream before this one has ended: so often it is asked again soon, and after how long at most, ms. */
const soonTries = 40
const maxSoonMs = 50

/** PortableGet asks the Endpoint of a portable Session for a stream. Where that allows one and has another one, it waits until that is free. */
export abstract class PortableGet extends PortableRelay {
  private readonly headLimit = new HeadLimit()
  private retry: NodeJS.Timeout | undefined
  /** How often the Endpoint has refused it since it was hurried last. */
  protected refusals = 0
  protected isWaiting = false
  /** From when on it counts as open, as `performance.now()` counts. */
  private openAt = Infinity

  isOpen(): boolean {
    return !this.isWaiting && performance.now() >= this.openAt
  }

  /** isStale tells that it is open in another session at the server than `at`. */
  protected isStale(at: string): boolean {
    return this.isOpen() && this.sentBy.backendSessionId !== at
  }

  /** hurry asks an Endpoint that refused it again at once. */
  hurry(): void {
    this.refusals = 0
    if (this.retry) discard(this.askAgain())
  }

  /** send opens it, unless it is over already. */
  override send(): void {
    if (this.over) return
    this.openAt = performance.now() + headMs
    if (this.begun) this.headLimit.end()
    const fail = (error: Error): void => {
      this.dismiss('it did not answer')
      if (this.begun) this.end()
      else this.give(error)
    }
    this.headLimit.begin(this.context, this.session, fail)
    try {
      super.send()
    } catch (error) {
      fail(error instanceof Error ? error : new Error(String(error)))
    }
  }

  override onResponseStart(controller: HttpController, status: number, headers: HttpHeaders): void {
    if (this.begun) this.headLimit.end()
    super.onResponseStart(controller, status, headers)
    if (status !== 200 || !isEventStream({ headers })) return
    this.isWaiting = false
    this.openAt = 0
    this.onOpen()
  }

  override begin(): void {
    super.begin()
    if (this.begun) this.headLimit.end()
  }

  protected beginStream(): void {
    if (this.begun) return
    this.takeHead(200, { 'content-type': eventStreamType })
    this.begin()
  }

  protected override judgeKnown(answer: HttpAnswer): void {
    const refuse = (): void => (this.begun ? this.end() : super.judgeKnown(answer))
    // Some servers refuse a second stream with 400, and learn late that the first has ended.
    const isUnclear = answer.status === 400 && this.isAway() && this.refusals < soonTries
    if (answer.status === 409 || isUnclear) this.waitForTurn()
    else if (answer.status === 400) discard(this.gather().then((does) => does || refuse()))
    else refuse()
  }

  /** waitForTurn opens the client's stream, and asks again until the Endpoint has none of the session any more. */
  private waitForTurn(): void {
    this.refusals++
    if (this.yields()) return
    this.beginStream()
    this.isWaiting = true
    const isHurried = this.refusals <= soonTries && this.isAway()
    const delayMs = isHurried ? Math.min(2 ** this.refusals, maxSoonMs) : seldomMs
    this.retry = setTimeout(() => discard(this.askAgain()), delayMs).unref()
  }

  private async askAgain(): Promise<void> {
    clearTimeout(this.retry)
    this.retry = undefined
    const asksOthers = this.refusals === 1 || (this.refusals > soonTries && this.isAway())
    if (asksOthers && (await this.gather())) return
    this.send()
  }

  protected isAway(): boolean {
    return this.context.listening.isOn(this.session.record.id)
  }

  protected override finish(): void {
    clearTimeout(this.retry)
    this.headLimit.end()
    super.finish()
  }

  protected abstract onOpen(): void
  /** yields goes on with what the Endpoint has. False: it is waited for. */
  protected abstract yields(): boolean
  /** gather has Instances that drain close theirs. True: it goes on at another Instance, or is over. */
  protected abstract gather(): Promise<boolean>
}
