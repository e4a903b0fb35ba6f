import { setTimeout as wait } from 'node:timers/promises'
import type { Endpoint, HttpEndpoint, Session } from '@mcp-router/core'
import { RouterError } from '@mcp-router/core'
import type { Message } from '@mcp-router/protocol'
import {
  discard,
  endSession,
  mayTryElsewhere,
  sessionHeaders,
  wasNeverSent,
} from '@mcp-router/upstream'
import type { HttpController, HttpRequest } from '@mcp-router/upstream'
import type { Context } from '../downstream/context.js'
import type { Incoming } from '../incoming.js'
import { failureOf } from '../failure.js'
import { Relay } from '../relay.js'
import { respondError } from '../respond.js'
import { traceOf } from '../trace.js'
import type { HeldSession } from './held.js'
import { reopenPortable } from './reopen.js'

/** passPortable sends a message of a portable Session to its Endpoint, and the answer back, byte by byte. */
export const passPortable = (
  context: Context,
  incoming: Incoming,
  held: HeldSession,
  message: Message,
): void => {
  new PortableRelay(context, incoming, held, message).send()
}

/** followPortable opens the Endpoint's own GET stream for the client: its events and ids are the Endpoint's. */
export const followPortable = (context: Context, incoming: Incoming, held: HeldSession): void => {
  const { id, backend } = held.record
  held.streams++
  const { events } = context.deps
  events.emit({ kind: 'stream', action: 'opened', session: id, backend })
  incoming.whenClosed(() => {
    held.streams--
    held.used = true
    held.usedAt = Date.now()
    events.emit({ kind: 'stream', action: 'closed', session: id, backend })
  })
  new PortableRelay(context, incoming, held, undefined).send()
}

/** endPortable ends the Session here and at its Endpoint. */
export const endPortable = async (context: Context, held: HeldSession): Promise<void> => {
  const { backendSessionId, revision } = held.record
  await context.sessions.end(held)
  if (!backendSessionId) return
  await endSession(context.deps.client, httpEndpoint(held), backendSessionId, revision)
}

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
 * executed: the session is opened anew, once for all who wait, and the request sent again.
 */
class PortableRelay extends Relay {
  private readonly context: Context
  private readonly request: Incoming
  private readonly session: HeldSession
  /** None: the GET stream. */
  private readonly message: Message | undefined
  /** How often it was sent before. */
  private readonly tries: number
  /** The body of a 400 that may say that the session is gone. */
  private refusal: Buffer[] | undefined
  private asking: HttpController | undefined
  private refusalHead: Record<string, unknown> = {}
  /** As they were when this was sent. */
  private sentBy: Session
  private sentTo: Endpoint

  constructor(
    context: Context,
    incoming: Incoming,
    held: HeldSession,
    message: Message | undefined,
    tries = 0,
  ) {
    super(incoming, context.keep, noHooks)
    this.context = context
    this.request = incoming
    this.session = held
    this.message = message
    this.tries = tries
    this.sentBy = held.record
    this.sentTo = held.endpoint
  }

  send(): void {
    const endpoint = httpEndpoint(this.session)
    this.sentBy = this.session.record
    this.sentTo = endpoint
    this.context.deps.client.dispatch(endpoint.url, this.asRequest(endpoint), this)
  }

  override onResponseStart(
    controller: HttpController,
    status: number,
    headers: Record<string, unknown>,
  ): void {
    this.context.selector.worked(this.sentTo)
    if (status === 404 && this.sentBy.backendSessionId) this.reopen(this.sentTo)
    else if (status === 400 && this.tries < maxTries) {
      this.refusal = []
      this.asking = controller
      this.refusalHead = headers
    } else super.onResponseStart(controller, status, headers)
  }

  override onResponseData(controller: HttpController, chunk: Buffer): void {
    if (this.refusal) this.refusal.push(chunk)
    else super.onResponseData(controller, chunk)
  }

  override onResponseEnd(): void {
    const { refusal } = this
    if (refusal) {
      this.refusal = undefined
      const body = Buffer.concat(refusal)
      if (body.length <= longestRefusal && forgotten.test(body.toString('latin1'))) {
        this.reopen(this.sentTo)
        return
      }
      if (!this.asking) return
      super.onResponseStart(this.asking, 400, this.refusalHead)
      super.onResponseData(this.asking, body)
    }
    super.onResponseEnd()
  }

  override onResponseError(controller: HttpController, error: Error): void {
    this.context.selector.failed(this.sentTo)
    if (this.tries < maxTries && wasNeverSent(error)) this.reopen(undefined)
    else super.onResponseError(controller, error)
  }

  /** reopen goes on in a new session at this Endpoint, undefined: at another one that can be reached. */
  private reopen(endpoint: Endpoint | undefined): void {
    this.letGo()
    const { context, request, session, message } = this
    if (this.tries >= maxTries) {
      discard(context.sessions.end(session))
      respondError(request, new RouterError('SESSION_NOT_FOUND'))
      return
    }
    this.reopened(endpoint).then(
      () => {
        if (!request.res.destroyed)
          new PortableRelay(context, request, session, message, this.tries + 1).send()
      },
      (error: unknown) => respondError(request, failureOf(session.record.backend, error)),
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
    const isGone = this.tries > 0 || this.context.sessions.hasMoved(session.record.id)
    if (typeof lastEventId === 'string' && !isGone) headers.push('last-event-id', lastEventId)
    return { method: 'GET', headers }
  }
}

const noHooks = {}

const httpEndpoint = (held: HeldSession): HttpEndpoint => {
  if (held.endpoint.transport !== 'http') {
    throw new TypeError(`session ${held.record.id} is portable but its endpoint is not http`)
  }
  return held.endpoint
}
