import { eventStreamType, isMediaType } from '@mcp-router/protocol'
import { BadAnswer, asBadAnswer } from './bad-answer.js'
import type { HttpController, HttpHandler, HttpRequest } from './handler.js'
import { decode } from './decode.js'
import { endHandler, failHandler, refuseHandler } from './handler.js'
import { headerOf } from './headers.js'
import type { HttpHeaders } from './headers.js'

/** ResponseLimits bound what one answer may cost, whatever its server sends. */
export interface ResponseLimits {
  /** The most bytes of a body that is no event stream, as they came and decoded. */
  readonly maxBytes: number
  /** How long such a body may stop after its first byte, in ticks. */
  readonly maxQuietTicks: number
}

/** Follow sends a request again to another path of its origin. */
export type Follow = (
  path: string,
  request: HttpRequest,
  handler: HttpHandler,
  hops: number,
) => void

/** How often a request may be redirected. */
const maxHops = 5

/**
 * Intake stands between a connection and the handler of a request: it follows redirects, decodes, and
 * ends an answer that is too long or stops. What the handler throws fails its own request and nothing
 * else. A connection of ours keeps one for all its requests.
 */
export class Intake implements HttpHandler {
  private readonly origin: string
  private readonly limits: ResponseLimits
  private readonly follow: Follow
  private readonly onSettled: (() => void) | undefined
  private handler: HttpHandler | undefined
  private request: HttpRequest | undefined
  private path = ''
  private hops = 0
  private hasBegun = false
  private controller: HttpController | undefined
  private isStream = false
  private size = 0
  private quietTicks = 0

  constructor(origin: string, limits: ResponseLimits, follow: Follow, onSettled?: () => void) {
    this.origin = origin
    this.limits = limits
    this.follow = follow
    this.onSettled = onSettled
  }

  /** begin takes the next request. */
  begin(path: string, request: HttpRequest, handler: HttpHandler, hops: number): void {
    this.handler = handler
    this.request = request
    this.path = path
    this.hops = hops
    this.hasBegun = false
    this.controller = undefined
    this.isStream = false
    this.size = 0
    this.quietTicks = 0
  }

  onRequestStart(controller: HttpController): void {
    this.hasBegun = true
    this.handler?.onRequestStart?.(controller, undefined)
  }

  onResponseStart(controller: HttpController, status: number, headers: HttpHeaders): void {
    this.controller = controller
    if (status < 200 || status > 999) throw new BadAnswer(`the status ${status}`)
    if (status === 307 || status === 308) {
      this.redirect(controller, status, headers)
      return
    }
    this.isStream = isMediaType(headerOf({ headers }, 'content-type'), eventStreamType)
    // Nothing was asked for, yet some servers and what stands before them compress all the same.
    const coding = headers['content-encoding']
    if (coding !== undefined && this.handler) {
      const maxBytes = this.isStream ? Infinity : this.limits.maxBytes
      this.handler = decode(this.handler, headerOf({ headers }, 'content-encoding'), maxBytes)
    }
    this.handler?.onResponseStart?.(controller, status, headers)
  }

  onResponseData(controller: HttpController, chunk: Buffer): void {
    this.quietTicks = 0
    this.size += chunk.length
    if (this.size > this.limits.maxBytes && !this.isStream) {
      throw new BadAnswer(`more than ${this.limits.maxBytes} bytes`)
    }
    this.handler?.onResponseData?.(controller, chunk)
  }

  onResponseEnd(controller: HttpController): void {
    const { handler } = this
    this.release()
    if (handler) endHandler(handler, controller)
  }

  /** Undici has no controller for what it never sent. */
  onResponseError(controller: HttpController, error: Error): void {
    const { handler, hasBegun } = this
    this.release()
    if (!handler) return
    if (hasBegun) failHandler(handler, controller, asBadAnswer(error))
    else refuseHandler(handler, asBadAnswer(error))
  }

  /** tick comes at a steady pace: a body that has begun and stops is not waited for. */
  tick(): void {
    const { controller } = this
    if (!controller || controller.paused || this.isStream || this.size === 0) return
    if (++this.quietTicks < this.limits.maxQuietTicks) return
    controller.abort(new BadAnswer(`the beginning of a body (${this.size} bytes) and no more`))
  }

  private release(): void {
    this.handler = undefined
    this.request = undefined
    this.controller = undefined
    this.onSettled?.()
  }

  /** The rest of this answer goes nowhere; its connection can be used again. */
  private redirect(controller: HttpController, status: number, headers: HttpHeaders): void {
    const { handler, request, hops } = this
    this.handler = undefined
    if (!handler || !request) return
    const path = this.pathOf(headerOf({ headers }, 'location'))
    if (path === undefined) {
      const what = `HTTP ${status} to another address, which is not followed`
      failHandler(handler, controller, new BadAnswer(what))
    } else if (hops >= maxHops) {
      failHandler(handler, controller, new BadAnswer(`more than ${maxHops} redirects`))
    } else {
      this.follow(path, request, handler, hops + 1)
    }
  }

  /** pathOf resolves a Location; undefined: it is of another origin, or none. */
  private pathOf(location: string): string | undefined {
    const base = this.origin + this.path
    if (!location || !URL.canParse(location, base)) return undefined
    const { origin, pathname, search } = new URL(location, base)
    return origin === this.origin ? pathname + search : undefined
  }
}
