import type { Link, RouterError } from '@mcp-router/core'
import { keepAliveFrame, messageFrame } from '@mcp-router/protocol'
import type { HttpController, HttpHandler } from '@mcp-router/upstream'
import type { Deadlines, Timed } from './deadlines.js'
import { failureOf } from './failure.js'
import type { Incoming } from './incoming.js'
import type { KeepAlive, KeptStream } from './keep-alive.js'
import { endWith, respondError } from './respond.js'

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

/** Answers pass these headers of the Endpoint; everything else is the Endpoint's own business. */
const passed = ['content-type', 'allow', 'retry-after'] as const

/** The head of a stream that says nothing leaves after so long, ms: until then the request can be sent again elsewhere. */
const headMs = 250

/**
 * Relay passes an answer to the client byte by byte. The head waits for the first bytes of the body: so a whole small answer leaves in one
 * write, and Nginx sends the request to another Instance when this one goes away before. Undici's handler: one object per call.
 */
export class Relay implements HttpHandler, KeptStream, Timed {
  quietTicks = 0
  dueAt = 0
  previous: Link | undefined
  next: Link | undefined
  private readonly incoming: Incoming
  private readonly clocks: Clocks
  private readonly hooks: RelayHooks
  protected controller: HttpController | undefined
  protected status = 0
  private head: string[] = []
  private length: string | undefined
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
  /** The answer to a request that was sent anew is no stream, but what its client hears is one. */
  private framed: Buffer[] | undefined

  constructor(incoming: Incoming, clocks: Clocks, hooks: RelayHooks) {
    this.incoming = incoming
    this.clocks = clocks
    this.hooks = hooks
    incoming.whenClosed(() => this.onClientClose())
  }

  onRequestStart(controller: HttpController): void {
    this.controller = controller
    if (this.over) controller.abort(clientLeft)
  }

  onResponseStart(_: HttpController, status: number, headers: Record<string, unknown>): void {
    this.hooks.onStatus?.(status)
    if (this.begun) {
      if (!isStream(headers)) this.framed = []
      return
    }
    this.status = status
    this.head = []
    for (const name of passed) {
      const value = headers[name]
      if (typeof value === 'string') this.head.push(name, value)
    }
    this.streams = isStream(headers)
    if (this.streams) {
      this.head.push('cache-control', 'no-cache, no-transform', 'x-accel-buffering', 'no')
      // A stream that was asked for begins at once.
      if (this.incoming.req.method === 'GET') process.nextTick(beginRelay, this)
      else this.awaitFirst()
      return
    }
    const length = headers['content-length']
    if (typeof length === 'string') this.length = length
  }

  onResponseData(controller: HttpController, chunk: Buffer): void {
    if (this.framed) {
      this.framed.push(chunk)
      return
    }
    if (!this.begun && !this.held) {
      this.held = chunk
      if (this.streams) this.look(chunk)
      process.nextTick(beginRelay, this)
      return
    }
    if (!this.looked) this.look(chunk)
    this.begin()
    this.write(chunk, controller)
  }

  onResponseEnd(): void {
    if (this.over) return
    this.finish()
    const { res } = this.incoming
    if (this.begun) {
      if (this.framed) res.end(messageFrame(Buffer.concat(this.framed)))
      else res.end()
    } else {
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
    if (this.begun && this.streams && this.eventIds) {
      this.incoming.res.end()
      this.incoming.done(this.status, 'UPSTREAM_FAILED')
      return
    }
    this.respondFailure(error)
  }

  keepAlive(): void {
    if (this.begun && this.betweenEvents) this.incoming.res.write(keepAliveFrame)
  }

  end(): void {
    if (this.over) return
    this.finish()
    this.controller?.abort(ended)
    this.incoming.res.end()
    this.incoming.done(this.status, 'ENDED')
  }

  /** tell puts an event of the router's own between those of the Endpoint, where this is a stream. */
  tell(frame: Buffer): void {
    if (this.over || !this.streams) return
    if (this.begun && this.betweenEvents) this.incoming.res.write(frame)
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

  /** begin sends the head and what was held, once. */
  begin(): void {
    if (this.begun || this.over) return
    if (!this.held && !this.streams) return
    this.begun = true
    const { res } = this.incoming
    if (this.length !== undefined) this.head.push('content-length', this.length)
    res.writeHead(this.status, this.head)
    if (this.streams) {
      this.incoming.streaming = true
      this.clocks.keep.streams.add(this)
    }
    if (this.held && this.controller) this.write(this.held, this.controller)
    else res.flushHeaders()
    this.held = undefined
    if (this.between && this.betweenEvents) this.tellBetween(this.between)
  }

  private tellBetween(frames: readonly Buffer[]): void {
    this.between = undefined
    for (const frame of frames) this.incoming.res.write(frame)
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

  protected write(chunk: Buffer, controller: HttpController): void {
    this.quietTicks = 0
    if (this.streams) this.betweenEvents = endsEvent(chunk)
    const { res } = this.incoming
    const isTaken = res.write(chunk)
    if (this.between && this.betweenEvents) this.tellBetween(this.between)
    if (isTaken || controller.paused) return
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
    if (this.streams) this.clocks.keep.streams.delete(this)
  }

  private awaitFirst(): void {
    if (this.timed) this.clocks.deadlines.remove(this)
    this.timed = true
    this.dueAt = performance.now() + headMs
    this.clocks.deadlines.add(this)
  }

  /** What came of an answer that broke off counts no more; half an event is ended, so that the next one is heard. */
  protected forgetAnswer(): void {
    this.held = undefined
    this.length = undefined
    this.looked = false
    this.framed = undefined
    if (!this.begun) this.streams = false
    if (this.begun && !this.betweenEvents) this.incoming.res.write('\n\n')
    this.betweenEvents = true
  }
}

const beginRelay = (relay: Relay): void => relay.begin()

export const isStream = ({ 'content-type': type }: Record<string, unknown>): boolean =>
  typeof type === 'string' && type.startsWith('text/event-stream')

const clientLeft = new Error('the client left')
const ended = new Error('the instance is shutting down')

const idField = Buffer.from('id:')

const newline = 0x0a
const carriageReturn = 0x0d

const endsEvent = (chunk: Buffer): boolean => {
  const last = chunk.length - 1
  if (chunk[last] !== newline) return false
  return (
    chunk[last - 1] === newline ||
    (chunk[last - 1] === carriageReturn && chunk[last - 2] === newline)
  )
}
