import { IncomingMessage, ServerResponse } from 'node:http'
import { Socket } from 'node:net'
import { setTimeout as wait } from 'node:timers/promises'
import type { RouterError } from '@mcp-router/core'
import { keepAliveFrame } from '@mcp-router/protocol'
import type { Message, SseEvent } from '@mcp-router/protocol'
import { discard, mayBeBusy } from '@mcp-router/upstream'
import type { HttpAnswer, HttpRequest } from '@mcp-router/upstream'
import type { Context } from '../../context.js'
import { Incoming } from '../../http/incoming.js'
import { respondError } from '../../http/respond.js'
import { noteAskedOutside } from '../../listening/asked.js'
import type { Holder, OpenOutcome, OwnStream } from '../../listening/own-streams.js'
import { beginStream } from '../../outlet/stream.js'
import type { SessionEntry } from '../../sessions/entry.js'
import { Backlog } from '../../streams/backlog.js'
import type { Missed } from '../../streams/backlog.js'
import { PortableGet } from './portable-get.js'
import { headMs } from './session-get.js'
import { portableGet } from './portable-request.js'

/** So many responses a client may have beside the newest; then the oldest is ended. */
const maxSpares = 8
/**
 * PortableStream is the Endpoint's stream of a portable Session towards its client. The client may have several open (spec 2025-03-26,
 * transports): the newest is written to, the others stay as spares. While the client is away it has none: what comes is delivered by calls, or kept.
 * With a Last-Event-ID it may be the rest of a call's stream, and is nobody's successor until the Endpoint says so.
 */
export class PortableStream extends PortableGet implements OwnStream {
  private readonly isNew: boolean
  /** Responses beside the newest, the oldest first: nothing but keep-alives is written to them. */
  private spares: Incoming[] = []
  /** Set while it has no client. */
  private backlog: Backlog | undefined
  /** What came of opening it in the place of its client; undefined: it is the client's. */
  private onOutcome: ((outcome: OpenOutcome) => void) | undefined
  /** Ids of events that the client has, and that the Endpoint may send once more. */
  private readonly received = new Set<string>()
  private lastId: string | undefined
  private again: (() => void) | undefined
  private rival: PortableStream | undefined

  constructor(context: Context, incoming: Incoming, held: SessionEntry) {
    super(context, incoming, held)
    this.isNew = incoming.req.headers['last-event-id'] === undefined
    context.listening.streams.add(held.record.id, this)
  }

  /** openInPlace opens it in the place of its client, who is away. */
  openInPlace(): Promise<OpenOutcome> {
    this.detach()
    const outcome = new Promise<OpenOutcome>((resolve) => (this.onOutcome = resolve))
    this.send()
    return Promise.race([outcome, wait(headMs, 'open' as const, { ref: false })])
  }

  /** open goes on with what this Instance and others keep for its client. `again` is for when one that had it is gone. */
  async open(again: () => void): Promise<void> {
    this.again = again
    for (const each of this.context.listening.streams.of(this.session.record.id)) {
      if (each === this || !(each instanceof PortableStream)) continue
      if (each.isDetached) this.receive(each.release())
      else if (each.isNew) this.rival = each
    }
    if (this.isAway() && (await this.gather())) return
    const kept = this.context.listening.takeKept(this.session.record.id)
    if (kept) this.receive(kept)
    this.send()
  }

  get isDetached(): boolean {
    return this.backlog !== undefined
  }

  holder(at = this.sentBy.backendSessionId): Holder | undefined {
    if (this.over || this.isStale(at)) return undefined
    if (this.isWaiting) return 'waiting'
    if (!this.backlog) return this.isOpen() ? 'client' : 'coming'
    if (!this.isOpen()) return undefined
    return this.context.draining ? 'draining' : 'instance'
  }

  endUnless(at: string): void {
    if (this.isStale(at)) this.end()
  }

  redeliver(): void {
    this.backlog?.redeliver()
  }

  /** follow writes to this response from now on. False: it cannot, or is open in another session at the server than `at`. */
  follow(incoming: Incoming, at: string): boolean {
    const { backlog, begun } = this
    if (!this.isNew || this.over || this.isStale(at)) return false
    if (backlog && this.context.draining) return false
    if (!backlog) this.spares.push(this.incoming)
    if (this.spares.length > maxSpares) this.spares.shift()?.res.end()
    this.backlog = undefined
    this.onOutcome = undefined
    this.incoming = incoming
    this.watch(incoming)
    if (begun) beginStream(incoming)
    if (!backlog) return true
    if (begun) this.context.keep.streams.add(this)
    if (this.isOpen()) this.beginStream()
    this.receive(backlog)
    return true
  }

  private detach(): void {
    const { listening, keep } = this.context
    const { id } = this.session.record
    this.backlog = new Backlog((said) => listening.calls.deliver(id, said))
    keep.streams.delete(this)
    this.controller?.resume()
  }

  /** leave ends it towards its client, who opens it again elsewhere, if it is the Endpoint's. */
  leave(): void {
    if (!this.isNew || this.holder() !== 'client') return
    this.detach()
    for (const { res } of [...this.spares.splice(0), this.incoming]) res.end()
  }

  release(): Missed {
    const { backlog } = this
    this.finish()
    this.incoming.close()
    this.dismiss('its client continues it elsewhere')
    return backlog ?? { frames: [], ids: [] }
  }

  receive(missed: Missed): void {
    const { frames, ids } = missed
    // In another session at the server the same id is another event.
    if (!this.isInNewSession()) for (const id of ids) this.received.add(id)
    this.lastId = ids.at(-1) ?? this.lastId
    if (this.backlog) this.backlog.add(missed)
    else if (frames.length > 0) {
      this.beginStream()
      for (const frame of frames) this.pass(frame)
    }
  }

  override keepAlive(): void {
    super.keepAlive()
    for (const { res } of this.spares) res.write(keepAliveFrame)
  }

  override insert(frame: Buffer): void {
    if (this.backlog) this.backlog.keep(frame)
    else super.insert(frame)
  }

  override begin(): void {
    super.begin()
    if (this.begun) this.spares.forEach(beginStream)
    if (this.backlog) this.context.keep.streams.delete(this)
  }

  protected override passEvent(event: SseEvent): void {
    if (this.backlog) this.backlog.push(event)
    else super.passEvent(event)
  }

  protected override read(event: SseEvent): void {
    const isKnown = event.id !== undefined && this.received.delete(event.id)
    super.read(isKnown ? { ...event, data: Buffer.alloc(0) } : event)
  }

  protected onAsked(said: Message): void {
    noteAskedOutside(this.context, this.session.record, said)
  }

  protected request(): HttpRequest {
    if (this.isInNewSession()) return portableGet(this.session, undefined)
    const given = this.incoming.req.headers['last-event-id']
    return portableGet(this.session, typeof given === 'string' ? given : this.lastId)
  }

  protected override watch(incoming: Incoming): void {
    super.watch(incoming)
    incoming.whenClosed(() => {
      this.spares = this.spares.filter((each) => each !== incoming)
      incoming.done(200, 'ok')
    })
  }

  protected override onClientClose(): void {
    if (this.backlog || this.over) return
    const spare = this.spares.pop()
    if (spare) this.incoming = spare
    // What is being collected for it is for the client's next stream.
    else if (this.isNew && this.holder() === 'coming' && this.isAway()) this.detach()
    else super.onClientClose()
  }

  protected onOpen(): void {
    this.onOutcome?.('open')
    this.onOutcome = undefined
    this.replacesItself = false
    const { listening } = this.context
    const { record } = this.session
    const kept = listening.takeKept(record.id)
    if (kept) this.receive(kept)
    // Who opened the session anew keeps what its client is to be told of that.
    else if (!this.backlog && this.isReopened()) discard(this.gather())
  }

  protected override judgeKnown(answer: HttpAnswer): void {
    if (!this.onOutcome) {
      super.judgeKnown(answer)
      return
    }
    if (mayBeBusy(answer.status)) this.onOutcome('busy')
    this.release()
  }

  protected yields(): boolean {
    const { rival } = this
    // It may be the rest of a call's stream, of which the Endpoint does not know yet that it is free.
    if (!rival || this.refusals === 1) return false
    this.rival = undefined
    if (!rival.follow(this.incoming, this.sentBy.backendSessionId)) return false
    this.stopWriting()
    // The Endpoint is asked for what follows the event that this response names.
    rival.dismiss('its client continues it')
    rival.replacesItself = true
    rival.refusals = 0
    rival.send()
    return true
  }

  /** One that another Instance has in the client's place is not closed for it: it goes on there. */
  protected async gather(): Promise<boolean> {
    const { context, session, incoming } = this
    const { listener, missed } = await context.listening.gather(session.record)
    for (const each of missed) this.receive(each)
    if (this.over || this.backlog || incoming.handedOff || !listener) return this.over
    this.stopWriting()
    const lost = (error: RouterError): void => {
      if (this.incoming.res.headersSent) this.incoming.res.end()
      else if (this.again) this.again()
      else respondError(this.incoming, error)
    }
    context.handoff.passTo(this.incoming, listener, undefined, { unreachable: lost, lost })
    return true
  }

  protected override give(error: Error): void {
    if (this.backlog) this.release()
    else super.give(error)
  }

  protected override finish(): void {
    this.context.listening.streams.remove(this.session.record.id, this)
    super.finish()
    this.onOutcome?.('none')
    // Their client opens them again.
    for (const spare of this.spares.splice(0)) {
      beginStream(spare)
      spare.res.end()
    }
  }
}

/** nobody is the GET of a client that is away: what is written to it is dropped. */
export const nobody = (context: Context, { record }: SessionEntry): Incoming => {
  const req = new IncomingMessage(new Socket())
  req.method = 'GET'
  const { id: session, principal, backend } = record
  const { events } = context.deps
  const of = { name: principal }
  const incoming = new Incoming(req, new ServerResponse(req), of, 'http', 0, events)
  incoming.passedOn()
  return Object.assign(incoming, { session, backend })
}
