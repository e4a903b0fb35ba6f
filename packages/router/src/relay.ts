import type { RouterError } from '@mcp-router/core'
import { keepAliveFrame } from '@mcp-router/protocol'
import type { HttpController, HttpHandler } from '@mcp-router/upstream'
import { failureOf } from './failure.js'
import type { Incoming } from './incoming.js'
import type { KeepAlive, KeptStream } from './keep-alive.js'
import { endWith, respondError } from './respond.js'

/** RelayHooks are what a relayed answer may change for the Session; each is optional. */
export interface RelayHooks {
  /** The request failed before any of the answer came; true: it was sent anew elsewhere, with this Relay, and goes on. */
  onFailed?(error: Error, relay: Relay): boolean
  onStatus?(status: number): void
  /** What a failure means to the client, where it is not the Backend's. */
  failure?(error: Error): RouterError
}

/** Answers pass these headers of the Endpoint; everything else is the Endpoint's own business. */
const passed = ['content-type', 'allow', 'retry-after'] as const

/**
 * Relay passes an answer to the client byte by byte. The head waits for the first bytes of the body, so that a whole small answer leaves
 * in one write; where a stream begins without bytes, it leaves at the end of the tick. Undici's handler: one object per call.
 */
export class Relay implements HttpHandler, KeptStream {
  quietTicks = 0
  private readonly incoming: Incoming
  private readonly keep: KeepAlive
  private readonly hooks: RelayHooks
  private controller: HttpController | undefined
  private status = 0
  private head: string[] = []
  private length: string | undefined
  private held: Buffer | undefined
  private begun = false
  private streams = false
  private eventIds = false
  private looked = false
  private betweenEvents = true
  private over = false

  constructor(incoming: Incoming, keep: KeepAlive, hooks: RelayHooks) {
    this.incoming = incoming
    this.keep = keep
    this.hooks = hooks
    incoming.whenClosed(() => this.onClientClose())
  }

  onRequestStart(controller: HttpController): void {
    this.controller = controller
    if (this.over) controller.abort(clientLeft)
  }

  onResponseStart(_: HttpController, status: number, headers: Record<string, unknown>): void {
    this.status = status
    this.hooks.onStatus?.(status)
    for (const name of passed) {
      const value = headers[name]
      if (typeof value === 'string') this.head.push(name, value)
    }
    const type = headers['content-type']
    this.streams = typeof type === 'string' && type.startsWith('text/event-stream')
    if (this.streams) {
      this.head.push('cache-control', 'no-cache, no-transform', 'x-accel-buffering', 'no')
      process.nextTick(beginRelay, this)
      return
    }
    const length = headers['content-length']
    if (typeof length === 'string') this.length = length
  }

  onResponseData(controller: HttpController, chunk: Buffer): void {
    if (!this.begun && !this.held) {
      this.held = chunk
      if (this.streams) this.look(chunk)
      else process.nextTick(beginRelay, this)
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
      res.end()
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
    if (!this.begun && this.hooks.onFailed?.(error, this)) return
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

  /** abort breaks off the request at the Endpoint, as if it had broken off by itself. */
  abort(reason: Error): void {
    this.controller?.abort(reason)
  }

  /** letGo leaves the request to somebody else. */
  letGo(): void {
    this.over = true
  }

  /** fail answers with an error when sending anew did not work out either. */
  fail(error: Error): void {
    if (this.over) return
    this.finish()
    this.respondFailure(error)
  }

  /** begin sends the head and what was held, once. */
  begin(): void {
    if (this.begun || this.over) return
    this.begun = true
    const { res } = this.incoming
    if (this.length !== undefined) this.head.push('content-length', this.length)
    res.writeHead(this.status, this.head)
    if (this.streams) {
      this.incoming.streaming = true
      this.keep.streams.add(this)
    }
    if (this.held && this.controller) this.write(this.held, this.controller)
    else res.flushHeaders()
    this.held = undefined
  }

  /** Servers that number their events number the first. */
  private look(chunk: Buffer): void {
    this.looked = true
    this.eventIds = chunk.includes('id:')
  }

  private respondFailure(error: Error): void {
    const failure = this.hooks.failure?.(error) ?? failureOf(this.incoming.backend, error)
    respondError(this.incoming, failure)
  }

  private write(chunk: Buffer, controller: HttpController): void {
    this.quietTicks = 0
    if (this.streams) this.betweenEvents = endsEvent(chunk)
    const { res } = this.incoming
    if (res.write(chunk) || controller.paused) return
    controller.pause()
    res.once('drain', () => controller.resume())
  }

  private onClientClose(): void {
    if (this.over) return
    this.finish()
    this.controller?.abort(clientLeft)
    this.incoming.done(499, 'CLIENT_LEFT')
  }

  private finish(): void {
    this.over = true
    if (this.streams) this.keep.streams.delete(this)
  }
}

const beginRelay = (relay: Relay): void => relay.begin()

const clientLeft = new Error('the client left')
const ended = new Error('the instance is shutting down')

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
