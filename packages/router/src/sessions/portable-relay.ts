import { setTimeout as wait } from 'node:timers/promises'
import type { Endpoint, HttpEndpoint, Session } from '@mcp-router/core'
import { RouterError } from '@mcp-router/core'
import type { Message } from '@mcp-router/protocol'
import { discard, mayTryElsewhere, sessionHeaders, wasNeverSent } from '@mcp-router/upstream'
import type { HttpController, HttpRequest } from '@mcp-router/upstream'
import type { Context } from '../downstream/context.js'
import type { Incoming } from '../incoming.js'
import { failureOf } from '../failure.js'
import { afterBreak } from '../outcome.js'
import { isStream, Relay } from '../relay.js'
import { traceOf } from '../trace.js'
import type { HeldSession } from './held.js'
import { PortableReply } from './portable-reply.js'
import { lookPortable } from './list-changes.js'
import { reopenPortable } from './reopen.js'
import { formOf } from './replay.js'

/** What servers say that have forgotten a session, where their status is not 404. */
const forgotten = /session|initializ/i
/** A refusal is short. */
const longestRefusal = 4_096
/** The session that another Instance opened meanwhile may be gone as well; one that was opened for this message is not, or never will be. */
const maxTries = 2

/**
 * A client's own stream waits for an Endpoint that is being started anew: clients try only a few times, maybe all of them before it is
 * back, and then never hear anything again.
 */
const streamPatienceMs = 30_000
const streamPauseMs = 250

/**
 * PortableRelay passes one request of a portable Session on. Where the Endpoint refuses it for want of the session, it was never
 * executed: the session is opened anew, once for all who wait, and the request sent again. Where the Endpoint goes away with it, it is
 * sent again if it may run twice.
 */
export class PortableRelay extends Relay {
  private readonly context: Context
  private readonly request: Incoming
  private readonly session: HeldSession
  /** None: the GET stream. */
  private readonly message: Message | undefined
  /** How often the session was opened anew for it. */
  private tries = 0
  /** How often it was sent again because the Endpoint went away with it. */
  private repeats = 0
  /** Set once the answer is a stream that is numbered here. */
  private reply: PortableReply | undefined
  /** The body of a 400 that may say that the session is gone. */
  private refusal: Buffer[] | undefined
  private refused = false
  private refusalHead: Record<string, unknown> = {}
  /** As they were when this was sent. */
  private sentBy: Session
  private sentTo: Endpoint

  constructor(
    context: Context,
    incoming: Incoming,
    held: HeldSession,
    message: Message | undefined,
  ) {
    super(incoming, context, noHooks)
    this.context = context
    this.request = incoming
    this.session = held
    this.message = message
    this.sentBy = held.record
    this.sentTo = held.endpoint
  }

  send(): void {
    const endpoint = httpEndpoint(this.session)
    this.refused = false
    this.sentBy = this.session.record
    this.sentTo = endpoint
    this.request.endpoint = endpoint.id
    this.context.deps.client.dispatch(endpoint.url, this.asRequest(endpoint), this)
  }

  /** resume sends it on behalf of a client that came back for the answer, which is a stream in any case. */
  resume(): void {
    this.begun = true
    this.openReply()
    this.send()
  }

  override onResponseStart(
    controller: HttpController,
    status: number,
    headers: Record<string, unknown>,
  ): void {
    this.context.selector.worked(this.sentTo)
    if (status === 404 && this.sentBy.backendSessionId) {
      // The rest of this answer is nobody's business.
      this.refused = true
      controller.abort(new Error('the session is opened anew'))
      this.reopen(this.sentTo)
    } else if (status === 400 && this.tries < maxTries) {
      this.refusal = []
      this.refusalHead = headers
    } else this.passStart(controller, status, headers)
  }

  override onResponseData(controller: HttpController, chunk: Buffer): void {
    if (this.refused) return
    if (this.refusal) this.refusal.push(chunk)
    else if (this.reply) this.reply.push(chunk)
    else super.onResponseData(controller, chunk)
  }

  /** The second chunk may be what makes it a stream that is numbered here. */
  protected override write(chunk: Buffer, controller: HttpController): void {
    if (this.reply) this.reply.push(chunk)
    else super.write(chunk, controller)
  }

  override onResponseEnd(): void {
    const { refusal, controller } = this
    if (this.refused) return
    if (refusal && controller) {
      this.refusal = undefined
      const body = Buffer.concat(refusal)
      if (body.length <= longestRefusal && forgotten.test(body.toString('latin1'))) {
        this.reopen(this.sentTo)
        return
      }
      this.passStart(controller, 400, this.refusalHead)
      this.onResponseData(controller, body)
    }
    if (!this.reply) super.onResponseEnd()
    else if (this.over) return
    else if (this.reply.end()) this.finish()
    else this.onBroken(new Error('its stream ended without the answer'))
  }

  override onResponseError(controller: HttpController, error: Error): void {
    if (this.over || this.refused) return
    this.refusal = undefined
    this.context.selector.failed(this.sentTo)
    if (this.tries < maxTries && wasNeverSent(error)) this.reopen(undefined)
    else if (this.message) this.onBroken(error)
    else if (this.begun && this.streams) this.end()
    else super.onResponseError(controller, error)
  }

  /** A client of a revision that can resume gets numbers for its events, where the Endpoint gives none. */
  override begin(): void {
    const { held, message, streams, status, eventIds } = this
    const isPlain = !streams || status !== 200 || eventIds || message?.kind !== 'request'
    if (this.begun || this.over || isPlain || formOf(this.session.record) !== 'primed') {
      super.begin()
      return
    }
    this.begun = true
    this.held = undefined
    const reply = this.openReply()
    if (reply && held) reply.push(held)
  }

  /** Leaving is no cancellation (spec 2025-03-26, transports): whoever has an event id can come back for the rest. */
  protected override onClientClose(): void {
    if (!this.reply?.isOpen()) super.onClientClose()
    else if (!this.over) this.request.done(499, 'CLIENT_LEFT')
  }

  private openReply(): PortableReply | undefined {
    const { context, request, session, message } = this
    if (!message) return undefined
    const onLapsed = (): void => {
      this.finish()
      this.controller?.abort(new Error('its client did not come back'))
    }
    this.reply = new PortableReply(context, request, session.record.id, message, onLapsed)
    return this.reply
  }

  private passStart(
    controller: HttpController,
    status: number,
    headers: Record<string, unknown>,
  ): void {
    if (!this.message && status === 200) lookPortable(this.context, this.session, this)
    if (!this.reply) super.onResponseStart(controller, status, headers)
    else if (status === 200) this.reply.expect(isStream(headers))
    else {
      const { backend } = this.session.record
      this.give(new RouterError('UPSTREAM_FAILED', { backend, reason: `it answered ${status}` }))
      controller.abort(new Error('its client was told'))
    }
  }

  /** The Endpoint took the request and went away before it answered. */
  private onBroken(error: Error): void {
    const { context, request, session, message, repeats } = this
    const backend = context.deps.registry.snapshot().backends.get(session.record.backend)
    if (!message || !backend) {
      this.give(failureOf(session.record.backend, error))
      return
    }
    this.forgetAnswer()
    const { requestId, at } = request
    const broken = { backend, message, requestId, at, error, repeats }
    void afterBreak(context, broken).then((told) => {
      if (this.over) return
      if (told) {
        this.give(told)
        return
      }
      this.repeats++
      this.tries = 0
      this.send()
    })
  }

  /** reopen goes on in a new session at this Endpoint, undefined: at another one that can be reached. */
  private reopen(endpoint: Endpoint | undefined): void {
    const { context, session } = this
    if (this.tries >= maxTries) {
      if (endpoint) discard(context.sessions.end(session, 'its server forgot it again and again'))
      this.give(new RouterError('SESSION_NOT_FOUND'))
      return
    }
    this.tries++
    this.reopened(endpoint).then(
      () => {
        if (!this.over) this.send()
      },
      (error: unknown) => this.give(failureOf(session.record.backend, error)),
    )
  }

  private async reopened(endpoint: Endpoint | undefined): Promise<void> {
    const { context, request, session } = this
    const refused = { at: endpoint, by: this.sentBy }
    const giveUpAt = performance.now() + streamPatienceMs
    for (;;) {
      try {
        await reopenPortable(context, session, refused)
        return
      } catch (error) {
        const isWaiting = !this.message && !request.isClosed() && performance.now() < giveUpAt
        if (!isWaiting || !mayTryElsewhere(error)) throw error
        await wait(streamPauseMs, undefined, { ref: false })
      }
    }
  }

  /** give ends it with what is known. */
  private give(error: RouterError): void {
    if (this.over) return
    if (!this.reply) {
      this.fail(error)
      return
    }
    this.finish()
    this.reply.fail(error)
  }

  private asRequest(endpoint: HttpEndpoint): HttpRequest {
    const { message, session } = this
    if (message) {
      const more = traceOf(this.request.req)
      const headers = session.postHeaders
      return { method: 'POST', headers, more, body: message.bytes }
    }
    const { backendSessionId, revision } = session.record
    const headers = sessionHeaders(endpoint, backendSessionId, revision)
    headers.push('accept', 'text/event-stream')
    const lastEventId = this.request.req.headers['last-event-id']
    // The events of a session that is gone went with it; in the one that took its place the same id is another event.
    const isGone = this.tries > 0 || this.context.sessions.movedAt(session.record.id) !== undefined
    if (typeof lastEventId === 'string' && !isGone) headers.push('last-event-id', lastEventId)
    return { method: 'GET', headers }
  }
}

const noHooks = {}

/** httpEndpoint is the Endpoint of a portable Session. */
export const httpEndpoint = (held: HeldSession): HttpEndpoint => {
  if (held.endpoint.transport !== 'http') {
    throw new TypeError(`session ${held.record.id} is portable but its endpoint is not http`)
  }
  return held.endpoint
}
