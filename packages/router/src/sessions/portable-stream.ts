import { eventStreamType, keepAliveFrame } from '@mcp-router/protocol'
import type { Message, SseEvent } from '@mcp-router/protocol'
import { discard, isEventStream } from '@mcp-router/upstream'
import type { HttpAnswer, HttpController, HttpHeaders, HttpRequest } from '@mcp-router/upstream'
import type { Context } from '../downstream/context.js'
import type { Incoming } from '../incoming.js'
import { beginStream } from './stream.js'
import { noteAskedOutside } from './asked.js'
import { limitHead } from './head-limit.js'
import type { HeldSession } from './held.js'
import type { Keepable } from './listening-kept.js'
import { lookPortable } from './list-changes.js'
import type { Follow } from './follows.js'
import { headMs, type Listener } from './listener.js'
import type { Missed, Missing } from './missed.js'
import { PortableRelay } from './portable-relay.js'
import { portableGet } from './portable-request.js'

/** How often an Endpoint that has a stream of the session already is asked again for one, ms. */
const busyPauseMs = 500
/** An Endpoint learns by itself that the stream before this one has ended: so often it is asked again soon, and after how long, ms. */
const soonTries = 20
const soonMs = 5
/** So many responses a client may have beside the newest; then the oldest is ended. */
const maxSpares = 8
/** So many ids of the last events are known. */
const maxIds = 64

/**
 * PortableStream is the Endpoint's stream of a portable Session towards its client. The client may have several open (spec 2025-03-26,
 * transports): the newest is written to, the others stay as spares. Where the Endpoint allows one stream and another Instance has it, this one
 * waits until that is free. With a Last-Event-ID it may be the rest of a call's stream, and is nobody's successor until the Endpoint says so.
 */
export class PortableStream extends PortableRelay implements Keepable, Follow {
  /** Earlier responses, oldest first. */
  private readonly spares: Incoming[] = []
  private retry: NodeJS.Timeout | undefined
  private busyTries = 0
  private isBusy = false
  /** From when on it counts as open, as `performance.now()` counts. */
  private openAt = Infinity
  private onSettled: (() => void)[] = []
  private wasReleased = false
  private endLimit = (): void => undefined
  /** What its client has received already, when it was away with its stream. */
  private readonly delivered = new Set<string>()
  private readonly ids: string[] = []
  private onKept: ((chunk: Buffer) => void) | undefined
  private onKeptEnded: (() => void) | undefined
  /** Where the last event is named that its client has, though its client did not. */
  private lastId: string | undefined
  private rival: PortableStream | undefined
  /** Set once something is collected for it, or for the one whose place it took. */
  private collecting: Promise<boolean> | undefined

  constructor(context: Context, incoming: Incoming, held: HeldSession) {
    super(context, incoming, held, undefined)
    if (incoming.req.headers['last-event-id'] === undefined) held.follower = this
  }

  isOpen(): boolean {
    return !this.over && !this.isBusy && performance.now() >= this.openAt
  }

  isWaiting(): boolean {
    return this.isBusy && !this.over
  }

  hurry(): Promise<void> {
    if (!this.isWaiting()) return Promise.resolve()
    const settled = new Promise<void>((resolve) => this.onSettled.push(resolve))
    this.busyTries = 0
    // Otherwise it is being asked now.
    if (this.retry) this.askAgain()
    return settled
  }

  /** collect has released for it what its client missed when it was away. What comes too late for it is for the client's next stream. */
  collect(): Promise<boolean> {
    this.collecting = this.collected(this.collecting)
    return this.collecting
  }

  /** collected tells whether anybody had anything. */
  private async collected(before: Promise<boolean> | undefined): Promise<boolean> {
    const { session, context } = this
    const { id } = session.record
    const give = (missed: Missed): void => {
      const next = this.over ? session.follower : this
      if (next instanceof PortableStream) next.receive(missed)
      else context.listening.giveBack(id, missed)
    }
    const take = (missed: Missed): void => discard(Promise.resolve(before).then(() => give(missed)))
    const collecting = context.listening.collect(id, take).catch(() => false)
    return (await Promise.all([collecting, before]))[0]
  }

  /** send opens it, unless it is over already: its client may have opened another one. */
  override send(): void {
    if (this.over) return
    this.openAt = performance.now() + headMs
    this.endLimit()
    this.endLimit = limitHead(this.context, this.session, (error) => {
      this.dismiss('it did not answer')
      if (this.begun) this.end()
      else this.give(error)
    })
    super.send()
  }

  override onResponseStart(controller: HttpController, status: number, headers: HttpHeaders): void {
    this.endLimit()
    super.onResponseStart(controller, status, headers)
    if (status !== 200 || !isEventStream({ headers })) return
    this.settle()
    lookPortable(this.context, this.session, this)
  }

  /** continueOn goes on with the stream that this Instance has listened to. */
  continueOn(listener: Listener, missing: Missing): void {
    const { controller, hooks } = listener
    if (controller) this.onRequestStart(controller)
    this.receive(missing.all())
    this.beginStream()
    this.settle()
    missing.heir = (event) => this.onEvent(event)
    hooks.onEnded = () => {
      this.controller = undefined
      this.end()
    }
    lookPortable(this.context, this.session, this)
  }

  /** follow writes to this response from now on. False: there is no stream yet, or no more. */
  follow(incoming: Incoming): boolean {
    if (this.over || !this.begun || this.onKept) return false
    this.spares.push(this.incoming)
    if (this.spares.length > maxSpares) this.spares.shift()?.res.end()
    this.incoming = incoming
    beginStream(incoming)
    this.watch(incoming)
    return true
  }

  /** succeed takes the responses of a stream that this one replaces. */
  succeed(earlier: PortableStream): void {
    this.rival = undefined
    if (earlier.over) return
    this.collecting ??= earlier.collecting
    this.spares.push(...earlier.spares.splice(0), earlier.incoming)
    this.spares.forEach((spare) => this.watch(spare))
    earlier.letGo()
    earlier.dismiss('its client continues it elsewhere')
    this.session.follower = this
    this.beginSpares()
  }

  /** resumeBeside opens it where its client has another stream open: it takes the place of that one if it is the same stream. */
  resumeBeside(earlier: PortableStream, lastEventId: string): void {
    if (earlier.ids.includes(lastEventId)) this.succeed(earlier)
    else this.rival = earlier
  }

  keep(onChunk: (chunk: Buffer) => void, onEnded: () => void): () => void {
    this.onKept = onChunk
    this.onKeptEnded = onEnded
    this.context.keep.streams.delete(this)
    for (const { res } of [...this.spares.splice(0), this.incoming]) res.end()
    this.controller?.resume()
    return () => {
      this.finish()
      this.dismiss('its client continues it elsewhere')
    }
  }

  override keepAlive(): void {
    super.keepAlive()
    for (const { res } of this.spares) res.write(keepAliveFrame)
  }

  override tell(frame: Buffer): void {
    if (this.onKept) this.onKept(frame)
    else super.tell(frame)
  }

  override begin(): void {
    super.begin()
    this.beginSpares()
  }

  /** beginSpares begins the responses of those that had not begun when this took their place. */
  private beginSpares(): void {
    if (this.begun) this.spares.forEach(beginStream)
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
    this.ids.push(id)
    if (this.ids.length > maxIds) this.ids.shift()
    super.onEvent(this.delivered.delete(id) ? { ...event, data: Buffer.alloc(0) } : event)
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
      const at = this.spares.indexOf(incoming)
      if (at >= 0) this.spares.splice(at, 1)
      incoming.done(200, 'ok')
    })
  }

  protected override onClientClose(): void {
    if (this.onKept) return
    const spare = this.spares.pop()
    if (!spare || this.over) super.onClientClose()
    else this.incoming = spare
  }

  protected override judgeKnown(answer: HttpAnswer): void {
    if (answer.status === 409) this.waitForTurn()
    else if (this.begun) this.end()
    else super.judgeKnown(answer)
  }

  private settle(): void {
    this.isBusy = false
    this.openAt = 0
    for (const settled of this.onSettled.splice(0)) settled()
  }

  protected override finish(): void {
    clearTimeout(this.retry)
    this.endLimit()
    this.settle()
    if (this.session.follower === this) this.session.follower = undefined
    super.finish()
    for (const { res } of this.spares.splice(0)) res.end()
    this.onKeptEnded?.()
  }

  /** receive tells what the client missed when it was away. */
  private receive({ frames, ids }: Missed): void {
    // In another session at the server the same id is another event.
    if (!this.isAnew()) for (const id of ids) this.delivered.add(id)
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
    this.busyTries++
    const { isOn } = this.context.listening
    const isSoon = this.busyTries <= soonTries && (isOn || this.wasReleased || !!this.rival)
    if (!isSoon && this.rival) this.succeed(this.rival)
    this.retry = setTimeout(() => this.askAgain(), isSoon ? soonMs : busyPauseMs)
    this.retry.unref()
  }

  private askAgain(): void {
    clearTimeout(this.retry)
    this.retry = undefined
    discard(this.again())
  }

  private async again(): Promise<void> {
    // An Instance may listen in the client's place.
    const isSeldom = this.busyTries > soonTries && this.context.listening.isOn
    if (this.busyTries === 1 || isSeldom)
      this.wasReleased = (await this.collect()) || this.wasReleased
    this.send()
  }
}
