import { eventStreamType, type Message, type SseEvent } from '@mcp-router/protocol'
import { discard, isEventStream } from '@mcp-router/upstream'
import type { HttpAnswer, HttpController, HttpHeaders, HttpRequest } from '@mcp-router/upstream'
import type { Context } from '../../context.js'
import type { Incoming } from '../../http/incoming.js'
import { beginStream } from '../../outlet/stream.js'
import { joinListener } from '../../listening/join-listener.js'
import { noteAskedOutside } from '../../listening/asked.js'
import { HeadLimit } from './head-limit.js'
import type { SessionEntry } from '../../sessions/entry.js'
import type { Adopted, Keepable } from '../../listening/listening-kept.js'
import type { Follow } from '../../listening/follows.js'
import { headMs } from '../../listening/listener.js'
import type { Missed } from '../../streams/missed.js'
import { PortableRelay } from './portable-relay.js'
import { Collector } from '../../listening/collector.js'
import { SeenEvents } from '../../streams/seen-events.js'
import { Spares } from '../../listening/spares.js'
import { Turn } from '../../listening/turn.js'
import { portableGet } from './portable-request.js'

/**
 * PortableStream is the Endpoint's stream of a portable Session towards its client. The client may have several open (spec 2025-03-26,
 * transports): the newest is written to, the others stay as spares. Where the Endpoint allows one stream and another Instance has it, this one
 * waits until that is free. With a Last-Event-ID it may be the rest of a call's stream, and is nobody's successor until the Endpoint says so.
 */
export class PortableStream extends PortableRelay implements Keepable, Follow {
  private readonly spares = new Spares()
  private retry: NodeJS.Timeout | undefined
  private readonly turn = new Turn()
  private isBusy = false
  /** From when on it counts as open, as `performance.now()` counts. */
  private openAt = Infinity
  private onSettled: (() => void)[] = []
  private wasReleased = false
  private readonly headLimit = new HeadLimit()
  private readonly seen = new SeenEvents()
  private onKept: ((chunk: Buffer) => void) | undefined
  private onKeptEnded: (() => void) | undefined
  /** Where the last event is named that its client has, though its client did not. */
  private lastId: string | undefined
  private rival: PortableStream | undefined
  private readonly collector: Collector

  constructor(context: Context, incoming: Incoming, held: SessionEntry) {
    super(context, incoming, held, undefined)
    this.collector = new Collector(context.listening, held.record.id, (missed) => {
      const next = this.over ? held.follower : this
      if (!(next instanceof PortableStream)) return false
      next.receive(missed)
      return true
    })
    if (incoming.req.headers['last-event-id'] === undefined) held.follower = this
  }

  isOpen(): boolean {
    return !this.over && !this.isBusy && performance.now() >= this.openAt
  }

  isWaiting(): boolean {
    return this.isBusy && !this.over
  }

  isOver(): boolean {
    return this.over
  }

  isStale(at: string): boolean {
    return this.begun && this.isOpen() && this.sentBy.backendSessionId !== at
  }

  hurry(): Promise<void> {
    if (!this.isWaiting()) return Promise.resolve()
    this.turn.hurry()
    if (this.retry) discard(this.askAgain())
    return new Promise((resolve) => this.onSettled.push(resolve))
  }

  /** collect has released for it what its client missed when it was away; it tells whether anybody had anything. */
  collect(isLate = false): Promise<boolean> {
    return this.collector.collect(isLate)
  }

  /** send opens it, unless it is over already: its client may have opened another one. */
  override send(): void {
    if (this.over) return
    this.openAt = performance.now() + headMs
    if (this.begun) this.headLimit.end()
    this.headLimit.begin(this.context, this.session, (error) => {
      this.dismiss('it did not answer')
      if (this.begun) this.end()
      else this.give(error)
    })
    super.send()
  }

  override onResponseStart(controller: HttpController, status: number, headers: HttpHeaders): void {
    if (this.begun) this.headLimit.end()
    super.onResponseStart(controller, status, headers)
    if (status !== 200 || !isEventStream({ headers })) return
    this.settle()
    if (this.tries > 0) discard(this.collect())
  }

  /** continueOn goes on with the stream that this Instance has listened to. */
  continueOn({ listener, missing, missed }: Adopted): void {
    const { controller, hooks } = listener
    if (controller) this.onRequestStart(controller)
    if (missed) this.receive(missed)
    this.beginStream()
    this.settle()
    missing.heir = (event) => this.onEvent(event)
    hooks.onEnded = () => {
      if (this.controller !== controller) return
      this.controller = undefined
      this.end()
    }
    discard(this.collect().then((had) => had && this.renew()))
  }

  /** renew opens it once more: some servers speak on the newest only, and that was another one. */
  private renew(): void {
    if (this.over) return
    this.dismiss('the server may speak on another stream')
    this.send()
  }

  /** follow writes to this response from now on. False: there is no stream yet, or no more. */
  follow(incoming: Incoming): boolean {
    if (this.over || !this.begun || this.onKept) return false
    this.spares.add(this.incoming)
    this.incoming = incoming
    beginStream(incoming)
    this.watch(incoming)
    return true
  }

  /** succeed takes the responses of a stream that this one replaces. */
  succeed(earlier: PortableStream): void {
    this.rival = undefined
    if (earlier.over) return
    this.collector.succeed(earlier.collector)
    for (const spare of this.spares.take(earlier.spares, earlier.incoming)) this.watch(spare)
    earlier.letGo()
    earlier.dismiss('its client continues it elsewhere')
    this.session.follower = this
    if (this.begun) this.spares.begin()
  }

  /** resumeBeside opens it where its client has another stream open: it takes the place of that one if it is the same stream. */
  resumeBeside(earlier: PortableStream, lastEventId: string): void {
    if (earlier.seen.has(lastEventId)) this.succeed(earlier)
    else this.rival = earlier
  }

  keep(onChunk: (chunk: Buffer) => void, onEnded: () => void): () => void {
    this.onKept = onChunk
    this.onKeptEnded = onEnded
    this.context.keep.streams.delete(this)
    this.spares.end()
    this.incoming.res.end()
    this.controller?.resume()
    return () => {
      this.finish()
      this.dismiss('its client continues it elsewhere')
    }
  }

  override keepAlive(): void {
    super.keepAlive()
    this.spares.keepAlive()
  }

  override tell(frame: Buffer): void {
    if (this.onKept) this.onKept(frame)
    else super.tell(frame)
  }

  override begin(): void {
    super.begin()
    if (!this.begun) return
    this.headLimit.end()
    this.spares.begin()
  }

  protected override pass(chunk: Buffer): void {
    if (this.onKept) this.onKept(chunk)
    else super.pass(chunk)
  }

  protected override onEvent(event: SseEvent): void {
    const { id } = event
    if (id === undefined) {
      super.onEvent(event)
      return
    }
    super.onEvent(this.seen.note(id) ? { ...event, data: Buffer.alloc(0) } : event)
  }

  protected override onAsked(said: Message): void {
    noteAskedOutside(this.context, this.session.record, said)
  }

  protected request(): HttpRequest {
    if (this.isAnew()) return portableGet(this.session, undefined)
    const given = this.incoming.req.headers['last-event-id']
    return portableGet(this.session, typeof given === 'string' ? given : this.lastId)
  }

  protected override watch(incoming: Incoming): void {
    super.watch(incoming)
    incoming.whenClosed(() => {
      this.spares.remove(incoming)
      incoming.done(200, 'ok')
    })
  }

  protected override onClientClose(): void {
    if (this.onKept) return
    const spare = this.spares.newest()
    if (!spare || this.over) super.onClientClose()
    else this.incoming = spare
  }

  protected override judgeKnown(answer: HttpAnswer): void {
    const refuse = (): void => (this.begun ? this.end() : super.judgeKnown(answer))
    // Some servers refuse a second stream with 400, and learn late that the first has ended.
    const isUnclear = answer.status === 400 && this.isAway() && this.turn.isSoon()
    if (answer.status === 409 || isUnclear) this.waitForTurn()
    else if (answer.status === 400) discard(this.joins().then((does) => does || refuse()))
    else refuse()
  }

  /** joins goes on where another Instance has the Endpoint's stream in the client's place, which is not closed for it. False: none has. */
  private async joins(): Promise<boolean> {
    const { context, session } = this
    const listener = await context.listening.listenerOf(session.record.id).catch(() => undefined)
    if (this.over || !listener || this.incoming.handedOff) return this.over
    this.letGo()
    joinListener(context, this.incoming, listener)
    return true
  }

  private isAway(): boolean {
    return this.context.listening.isOn(this.session.record.id)
  }

  private settle(): void {
    this.isBusy = false
    this.openAt = 0
    for (const settled of this.onSettled.splice(0)) settled()
  }

  protected override finish(): void {
    clearTimeout(this.retry)
    this.headLimit.end()
    this.settle()
    if (this.session.follower === this) this.session.follower = undefined
    super.finish()
    this.spares.end()
    this.onKeptEnded?.()
  }

  /** receive tells what the client missed when it was away. */
  private receive({ frames, ids }: Missed): void {
    // In another session at the server the same id is another event.
    if (!this.isAnew()) this.seen.expect(ids)
    this.lastId = ids.at(-1) ?? this.lastId
    if (frames.length > 0) this.beginStream()
    for (const frame of frames) this.pass(frame)
  }

  private beginStream(): void {
    if (this.begun) return
    this.takeHead(200, { 'content-type': eventStreamType })
    this.begin()
  }

  /** waitForTurn opens the client's stream, and asks again until the Endpoint has none of the session any more. */
  private waitForTurn(): void {
    this.beginStream()
    this.isBusy = true
    const delayMs = this.turn.wait(this.isAway() || this.wasReleased || !!this.rival)
    if (this.rival && !this.turn.isRival()) this.succeed(this.rival)
    this.retry = setTimeout(() => discard(this.askAgain()), delayMs).unref()
  }

  private async askAgain(): Promise<void> {
    clearTimeout(this.retry)
    this.retry = undefined
    const isLate = !this.turn.isSoon()
    if (this.turn.isFirst() || (isLate && this.isAway())) {
      if (await this.joins()) return
      this.wasReleased = (await this.collect(isLate)) || this.wasReleased
    }
    this.send()
  }
}
