import type { Link, RouterError } from '@mcp-router/core'
import { endsEvent, eventStreamType, keepAliveFrame } from '@mcp-router/protocol'
import { isEventStream } from '@mcp-router/upstream'
import type { HttpController, HttpHandler, HttpHeaders } from '@mcp-router/upstream'
import type { Deadlines, Timed } from '../calls/deadlines.js'
import { failureOf } from '../calls/failure.js'
import { passedHeaders, typeText } from '../http/header-text.js'
import type { Incoming } from '../http/incoming.js'
import { hasStalled } from '../http/keep-alive.js'
import type { KeepAlive, KeptStream } from '../http/keep-alive.js'
import { endWith, respondError } from '../http/respond.js'

/** RelayHooks are what a relayed answer may change for the Session; each is optional. */
export interface RelayHooks {
  /** The request failed; true: somebody sees to it, and it may go on with this Relay, also where the response has `begun`. */
  onFailed?(error: Error, relay: Relay, begun: boolean): boolean
  onStatus?(status: number): void
  /** What a failure means to the client, where it is not the Backend's. */
  failure?(error: Error): RouterError
}

/** Clocks are what Relays share. */
export interface Clocks {
  readonly keep: KeepAlive
  readonly deadlines: Deadlines
}

/** The head of a stream that says nothing leaves after so long, ms: until then the request can be sent again elsewhere. */
const headMs = 250

/**
 * Relay passes an answer to the client byte by byte. The head waits for the first bytes of the body: so a whole small answer leaves in one
 * write, and Nginx sends the request to another Instance when this one goes away before. Undici's handler: one object per call.
 */
export class Relay implements HttpHandler, KeptStream, Timed {
  quietTicks = 0
  stalledPeriods = 0
  dueAt = 0
  /** The time that its server has for it. */
  limit: Timed | undefined
  previous: Link | undefined
  next: Link | undefined
  protected incoming: Incoming
  private readonly clocks: Clocks
  protected readonly hooks: RelayHooks
  protected controller: HttpController | undefined
  protected status = 0
  private head: string[] = []
  protected held: Buffer | undefined
  protected begun = false
  protected streams = false
  protected eventIds = false
  private looked = false
  private betweenEvents = true
  /** What is told once the event that has begun is complete. */
  private between: Buffer[] | undefined
  protected over = false
  private timed = false

  constructor(incoming: Incoming, clocks: Clocks, hooks: RelayHooks) {
    this.incoming = incoming
    this.clocks = clocks
    this.hooks = hooks
    this.watch(incoming)
  }

  /** watch hears of a client that leaves. */
  protected watch(incoming: Incoming): void {
    incoming.whenClosed(() => {
      if (incoming === this.incoming) this.onClientClose()
    })
  }

  onRequestStart(controller: HttpController): void {
    this.controller = controller
    if (this.over) controller.abort(clientLeft)
  }

  onResponseStart(_: HttpController, status: number, headers: HttpHeaders): void {
    this.hooks.onStatus?.(status)
    if (!this.begun) this.takeHead(status, headers)
  }

  /** takeHead keeps what the client gets of the head. */
  protected takeHead(status: number, headers: HttpHeaders): void {
    this.status = status
    this.streams = isEventStream({ headers })
    const type = this.streams ? eventStreamType : typeText(headers['content-type'])
    this.head = passedHeaders(headers)
    if (type !== undefined) this.head.push('content-type', type)
    if (this.streams) {
      this.head.push('cache-control', 'no-cache, no-transform', 'x-accel-buffering', 'no')
      // A stream that was asked for begins at once.
      if (this.incoming.req.method === 'GET') process.nextTick(beginRelay, this)
      else this.dueIn(headMs)
    }
  }

  onResponseData(_: HttpController, chunk: Buffer): void {
    this.pass(chunk)
  }

  /** pass passes on bytes of the body; those of a stream are whole events, or parts of one. */
  protected pass(chunk: Buffer): void {
    if (!this.begun && !this.held) {
      this.held = chunk
      if (this.streams) this.look(chunk)
      process.nextTick(beginRelay, this)
      return
    }
    if (!this.looked) this.look(chunk)
    this.begin()
    this.write(chunk)
  }

  onResponseEnd(): void {
    if (!this.over) this.conclude()
  }

  /** conclude ends the answer: all of it was passed on. */
  protected conclude(): void {
    this.finish()
    const { res } = this.incoming
    if (this.begun) res.end()
    else {
      const length = this.held?.length ?? 0
      this.head.push('content-length', String(length))
      res.writeHead(this.status, this.head)
      endWith(res, this.held)
    }
    this.incoming.done(this.status, this.status < 400 ? 'ok' : `UPSTREAM_${this.status}`)
  }

  onResponseError(_: HttpController, error: Error): void {
    if (this.over) return
    if (this.hooks.onFailed?.(error, this, this.begun)) {
      this.forgetAnswer()
      return
    }
    this.finish()
    // Events with ids can be fetched again: the client resumes by itself once the stream ends (spec 2025-11-25, transports).
    if (this.canResume()) {
      this.incoming.res.end()
      this.incoming.done(this.status, 'UPSTREAM_FAILED', error)
      return
    }
    this.respondFailure(error)
  }

  protected canResume(): boolean {
    return this.begun && this.streams && this.eventIds
  }

  keepAlive(): void {
    const { res } = this.incoming
    if (hasStalled(this, res)) res.destroy()
    else if (this.begun && this.betweenEvents) res.write(keepAliveFrame)
  }

  end(): void {
    if (this.over) return
    this.finish()
    this.controller?.abort(ended)
    this.incoming.res.end()
    // A stream that a client opened by GET ends some time, whoever ends it.
    this.incoming.done(this.status, this.incoming.req.method === 'GET' ? 'ok' : 'ENDED')
  }

  /** tell puts an event of the router's own between those of the Endpoint, where this is a stream. */
  tell(frame: Buffer): void {
    if (this.over || !this.streams) return
    if (this.begun && this.betweenEvents) this.writePaced(frame)
    else (this.between ??= []).push(frame)
  }

  /** abort breaks off the request at the Endpoint, as if it had broken off by itself. */
  abort(reason: Error): void {
    this.controller?.abort(reason)
  }

  /** letGo leaves the request to somebody else. */
  letGo(): void {
    this.finish()
  }

  /** fail answers with an error when sending anew did not work out either. */
  fail(error: Error): void {
    if (this.over) return
    this.finish()
    this.respondFailure(error)
  }

  onDue(): void {
    this.begin()
  }

  /** carryOn goes on with a stream whose head was sent before. */
  protected carryOn(): void {
    this.begun = true
    this.streams = true
    this.clocks.keep.streams.add(this)
  }

  /** begin sends the head and what was held, once. */
  begin(): void {
    if (this.begun || this.over) return
    if (!this.held && !this.streams) return
    this.begun = true
    const { res } = this.incoming
    res.writeHead(this.status, this.head)
    if (this.streams) {
      this.incoming.streaming = true
      this.clocks.keep.streams.add(this)
    }
    if (this.held) this.write(this.held)
    else res.flushHeaders()
    this.held = undefined
    if (this.between && this.betweenEvents) this.tellBetween(this.between)
  }

  private tellBetween(frames: readonly Buffer[]): void {
    this.between = undefined
    for (const frame of frames) this.writePaced(frame)
  }

  /** Servers that number their events number the first. */
  private look(chunk: Buffer): void {
    this.looked = true
    this.eventIds = chunk.includes('\nid:') || chunk.subarray(0, 3).equals(idField)
  }

  private respondFailure(error: Error): void {
    const failure = this.hooks.failure?.(error) ?? failureOf(this.incoming.backend, error)
    respondError(this.incoming, failure)
  }

  protected write(chunk: Buffer): void {
    this.quietTicks = 0
    if (this.streams) this.betweenEvents = endsEvent(chunk)
    this.writePaced(chunk)
    if (this.between && this.betweenEvents) this.tellBetween(this.between)
  }

  /** writePaced writes to the client; the Endpoint is read no further until that is taken. */
  private writePaced(bytes: Buffer): void {
    const { controller } = this
    const { res } = this.incoming
    if (res.write(bytes) || !controller || controller.paused) return
    controller.pause()
    res.once('drain', () => controller.resume())
  }

  protected onClientClose(): void {
    if (this.over) return
    this.finish()
    this.controller?.abort(clientLeft)
    this.incoming.done(499, 'CLIENT_LEFT')
  }

  protected finish(): void {
    this.over = true
    if (this.timed) this.clocks.deadlines.remove(this)
    if (this.limit) this.clocks.deadlines.remove(this.limit)
    if (this.streams) this.clocks.keep.streams.delete(this)
  }

  /** dueIn has `onDue` called after so long, ms, unless it is over before. */
  protected dueIn(ms: number): void {
    if (this.timed) this.clocks.deadlines.remove(this)
    this.timed = true
    this.dueAt = performance.now() + ms
    this.clocks.deadlines.add(this)
  }

  /** What came of an answer that broke off counts no more; half an event is ended, so that the next one is heard. */
  protected forgetAnswer(): void {
    this.held = undefined
    this.looked = false
    if (!this.begun) this.streams = false
    if (this.begun && !this.betweenEvents) this.incoming.res.write('\n\n')
    this.betweenEvents = true
  }
}

const beginRelay = (relay: Relay): void => relay.begin()

const clientLeft = new Error('the client left')
const ended = new Error('the instance is shutting down')

const idField = Buffer.from('id:')
