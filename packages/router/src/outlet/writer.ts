import type { Link } from '@mcp-router/core'
import { endsEvent, eventStreamType, keepAliveFrame } from '@mcp-router/protocol'
import type { Message } from '@mcp-router/protocol'
import { isEventStream } from '@mcp-router/upstream'
import type { HttpController, HttpHeaders } from '@mcp-router/upstream'
import type { Deadlines, Timed } from '../calls/deadlines.js'
import { passedHeaders, typeText } from '../http/header-text.js'
import type { Incoming } from '../http/incoming.js'
import { hasStalled } from '../http/keep-alive.js'
import type { KeepAlive, KeptStream } from '../http/keep-alive.js'
import { endWith, respondEmpty, respondError, respondJson } from '../http/respond.js'

/** Clocks are those of the Instance. */
export interface Clocks {
  readonly keep: KeepAlive
  readonly deadlines: Deadlines
}

/** Source is a request under way, as long as it is. */
interface Source {
  readonly controller: HttpController | undefined
  /** Nobody waits for it any more. */
  cancel(reason: Error): void
}

/** The head of a stream that says nothing leaves after so long, ms: until then the request can be sent again elsewhere. */
const headMs = 250

/**
 * Writer writes the response to one request, as JSON or as a stream of events. The head waits for the first bytes of the body: so a whole small
 * answer leaves in one write, and Nginx sends the request to another Instance when this one goes away before.
 */
export class Writer implements KeptStream, Timed {
  quietTicks = 0
  stalledPeriods = 0
  dueAt = 0
  previous: Link | undefined
  next: Link | undefined
  /** Where the bytes come from: it is read no further than the client reads. */
  source: Source | undefined
  protected incoming: Incoming
  protected readonly clocks: Clocks
  protected status = 0
  protected held: Buffer | undefined
  protected begun = false
  protected streams = false
  protected over = false
  private head: string[] = []
  private betweenEvents = true
  /** What is said once the event that has begun is complete. */
  private between: Buffer[] | undefined
  private timed = false

  constructor(incoming: Incoming, clocks: Clocks) {
    this.incoming = incoming
    this.clocks = clocks
    this.watch(incoming)
  }

  isOver(): boolean {
    return this.over
  }

  /** hasBegun tells that its client has the head. */
  hasBegun(): boolean {
    return this.begun
  }

  /** takeHead keeps what the client gets of the head of an Endpoint's answer. */
  takeHead(status: number, headers: HttpHeaders): void {
    if (this.begun) return
    this.status = status
    this.streams = isEventStream({ headers })
    const type = this.streams ? eventStreamType : typeText(headers['content-type'])
    this.head = passedHeaders(headers)
    if (type !== undefined) this.head.push('content-type', type)
    if (this.streams) {
      this.head.push('cache-control', 'no-cache, no-transform', 'x-accel-buffering', 'no')
      // A stream that was asked for begins at once.
      if (this.incoming.req.method === 'GET') process.nextTick(beginWriter, this)
      else this.dueIn(headMs)
    }
  }

  /** pass writes bytes of the body; those of a stream are whole events, or parts of one. */
  pass(chunk: Buffer): void {
    if (!this.begun && !this.held) {
      this.held = chunk
      process.nextTick(beginWriter, this)
      return
    }
    this.begin()
    this.write(chunk)
  }

  /** tell puts an event of the router's own between those of the Endpoint, where this is a stream. */
  insert(frame: Buffer): void {
    if (this.over || !this.streams) return
    if (this.begun && this.betweenEvents) this.writePaced(frame)
    else (this.between ??= []).push(frame)
  }

  /** begin sends the head and what was held, once. */
  begin(): void {
    if (this.begun || this.over) return
    if (!this.held && !this.streams) return
    this.begun = true
    const { res } = this.incoming
    res.writeHead(this.status, this.head)
    if (this.streams) this.carryOn()
    if (this.held) this.write(this.held)
    else res.flushHeaders()
    this.held = undefined
    if (this.between && this.betweenEvents) this.writeBetween(this.between)
  }

  /** conclude ends the response: all of it was passed on. */
  conclude(outcome = this.status < 400 ? 'ok' : `UPSTREAM_${this.status}`): void {
    if (this.over) return
    this.finish()
    const { res } = this.incoming
    if (this.begun) res.end()
    else {
      const length = this.held?.length ?? 0
      this.head.push('content-length', String(length))
      res.writeHead(this.status, this.head)
      endWith(res, this.held)
    }
    this.incoming.done(this.status, outcome)
  }

  /** acknowledge is for a message that has no response: its server took it, or refused it under this status. */
  acknowledge(status: number, refusal: Message | undefined): void {
    if (this.over) return
    this.finish()
    if (refusal) respondJson(this.incoming, status, refusal.bytes, [], `UPSTREAM_${status}`)
    else respondEmpty(this.incoming, 202)
  }

  /** fail ends it with an error. */
  fail(error: Error): void {
    if (this.over) return
    this.stopWriting()
    respondError(this.incoming, error)
  }

  /** stopWriting has somebody else write the rest of the response. */
  stopWriting(): void {
    this.finish()
    this.forget()
  }

  /** forget drops what came of an answer that broke off; half an event is ended, so that the next one can be read. */
  forget(): void {
    this.held = undefined
    if (!this.begun) this.streams = false
    if (this.begun && !this.betweenEvents) this.incoming.res.write('\n\n')
    this.betweenEvents = true
  }

  keepAlive(): void {
    const { res } = this.incoming
    if (hasStalled(this, res)) res.destroy()
    else if (this.begun && this.betweenEvents) res.write(keepAliveFrame)
  }

  end(): void {
    if (this.over) return
    this.finish()
    this.stop(ended)
    this.incoming.res.end()
    // A stream that a client opened by GET ends some time, whoever ends it.
    this.incoming.done(this.status, this.incoming.req.method === 'GET' ? 'ok' : 'ENDED')
  }

  onDue(): void {
    this.begin()
  }

  /** watch hears of a client that leaves. */
  protected watch(incoming: Incoming): void {
    incoming.whenClosed(() => {
      if (incoming === this.incoming) this.onClientClose()
    })
  }

  protected onClientClose(): void {
    if (this.over) return
    this.finish()
    this.stop(clientLeft)
    this.incoming.done(499, 'CLIENT_LEFT')
  }

  /** stop breaks off whatever the response is made of: nobody reads it any more. */
  protected stop(reason: Error): void {
    this.source?.cancel(reason)
  }

  /** carryOn goes on with a stream whose head was sent. */
  protected carryOn(): void {
    this.begun = true
    this.streams = true
    this.incoming.streaming = true
    this.clocks.keep.streams.add(this)
  }

  protected write(chunk: Buffer): void {
    this.quietTicks = 0
    if (this.streams) this.betweenEvents = endsEvent(chunk)
    this.writePaced(chunk)
    if (this.between && this.betweenEvents) this.writeBetween(this.between)
  }

  protected finish(): void {
    this.over = true
    if (this.timed) this.clocks.deadlines.remove(this)
    if (this.streams) this.clocks.keep.streams.delete(this)
  }

  private writeBetween(frames: readonly Buffer[]): void {
    this.between = undefined
    for (const frame of frames) this.writePaced(frame)
  }

  /** writePaced writes to the client; its source is read no further until that is taken. */
  private writePaced(bytes: Buffer): void {
    const { res } = this.incoming
    const isTaken = res.write(bytes)
    const controller = this.source?.controller
    if (isTaken || !controller || controller.paused) return
    controller.pause()
    res.once('drain', () => controller.resume())
  }

  /** dueIn has `onDue` called after so long, ms, unless it is over before. */
  private dueIn(ms: number): void {
    if (this.timed) this.clocks.deadlines.remove(this)
    this.timed = true
    this.dueAt = performance.now() + ms
    this.clocks.deadlines.add(this)
  }
}

const beginWriter = (writer: Writer): void => writer.begin()

export const clientLeft = new Error('the client left')
const ended = new Error('the instance is shutting down')
