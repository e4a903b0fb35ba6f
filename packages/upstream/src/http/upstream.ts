import { setTimeout as wait } from 'node:timers/promises'
import type { BackendName, Endpoint, EventSink, HttpEndpoint } from '@mcp-router/core'
import { Chain, RouterError } from '@mcp-router/core'
import type { Message } from '@mcp-router/protocol'
import { cancelledMessage, SessionLost } from '../upstream.js'
import type { ContinuedSession, Upstream, UpstreamListener } from '../upstream.js'
import type { HttpClient } from './client.js'
import { HttpConversation } from './conversation.js'
import { sessionHeaders } from './headers.js'
import { keepOwnStream, resumeDelayMs, resumeTries } from './own-stream.js'
import { post } from './post.js'
import { Sending } from './sending.js'
import { doubtIn, isDoubtTrue, isSessionKnown } from './session-doubt.js'
import type { SessionDoubt } from './session-doubt.js'
import { asFailure, refusalOf, responseIn } from './verdict.js'

interface Options {
  readonly client: HttpClient
  readonly endpoint: HttpEndpoint
  readonly backend: BackendName
  readonly listener: UpstreamListener
  readonly events: EventSink
  /** A session that was opened before, to be continued. */
  readonly continued?: ContinuedSession | undefined
}

/** How long a server may take to hear of a cancellation before its session is ended, ms. */
const farewellMs = 500

/**
 * openHttpUpstream speaks Streamable HTTP (spec 2025-03-26 and later, transports). It connects lazily: the first message, `initialize`,
 * makes the session.
 */
export const openHttpUpstream = (options: Options): Upstream => new HttpUpstream(options)

/** Of these there are as many as idle clients of 2024-11-05: a class, whose functions all of them share. */
class HttpUpstream implements Upstream {
  private options: Options
  private readonly conversation: HttpConversation
  private readonly underway = new Chain<Sending>()
  private opened = false
  /** The last cancellation, until it has arrived. */
  private farewell: Promise<void> | undefined
  private forgotten = false
  private asking: Promise<boolean | undefined> | undefined
  private closed = false
  private hearing: Promise<void> | undefined
  /** Messages whose answer has ended, and is judged. */
  private finishing = 0

  constructor(options: Options) {
    this.options = options
    this.conversation = new HttpConversation(options.endpoint, options.client.maxResponseBytes)
    const { continued } = options
    if (!continued) return
    this.conversation.began(continued.sessionId)
    this.conversation.agreed(continued.revision)
    this.conversation.cookies = continued.cookies
  }

  send(message: Message): Promise<void> {
    return new Promise((resolve, reject) => this.exchange(message, resolve, reject))
  }

  pass(message: Message, onFailed: (error: Error) => void): void {
    this.exchange(message, done, onFailed)
  }

  isSessionless(): boolean {
    return !this.conversation.sessionId
  }

  listen(): void {
    this.hearing = keepOwnStream({
      open: (lastEventId, onOpen) => this.openStream(undefined, lastEventId, onOpen),
      // Another one may have been sent before.
      ping: () => this.askWhetherKnown(),
      isClosed: () => this.closed,
      onRefused: async (refusal, hadOne) => {
        // A session that was opened a moment ago is not forgotten: this server has no stream to give, whatever it says to a ping.
        if (!hadOne && !this.options.continued) return
        if (await this.isForgotten(doubtIn(refusal.answer()))) this.lose()
      },
    })
  }

  heard(): Promise<void> {
    return this.hearing ?? Promise.resolve()
  }

  use(endpoint: Endpoint): void {
    if (endpoint.transport !== 'http') return
    this.options = { ...this.options, endpoint }
    this.conversation.use(endpoint)
  }

  cancel(id: string): void {
    this.farewell = this.send(cancelledMessage(id)).catch(() => undefined)
    for (const sending of this.underway) {
      if (sending.sent?.id === id) sending.abort(new Error('the request was cancelled'))
    }
  }

  session(): ContinuedSession {
    const { sessionId, revision, cookies } = this.conversation
    return { sessionId, revision, cookies }
  }

  close(): Promise<void> {
    return this.end(async () => {
      const { client, endpoint } = this.options
      const session = this.session()
      if (session.sessionId) await endSession(client, endpoint, session)
    })
  }

  detach(): Promise<void> {
    return this.end(() => Promise.resolve())
  }

  private async end(goodbye: () => Promise<void>): Promise<void> {
    if (this.closed) return
    this.closed = true
    // What was cancelled a moment ago must be known before the session ends.
    if (this.farewell)
      await Promise.race([this.farewell, wait(farewellMs, undefined, { ref: false })])
    this.abortAll()
    await goodbye()
    if (this.opened) this.emit('closed', 'no longer needed')
    this.options.listener.onClose(undefined)
  }

  /** lose ends it without a goodbye: the Endpoint has forgotten the session. What is under way hears that for itself first. */
  private lose(): void {
    this.forgotten = true
    for (const { sent } of this.underway) if (sent) return
    if (this.closed || this.finishing > 0) return
    this.closed = true
    const { backend, endpoint, listener } = this.options
    const lost = new SessionLost(endpoint.id)
    this.emit('lost', lost.message)
    listener.onClose(new RouterError('UPSTREAM_FAILED', { backend, reason: lost.message }, lost))
  }

  private loseSoon(): void {
    if (this.forgotten) setImmediate(() => this.lose())
  }

  private abortAll(): void {
    for (const sending of this.underway) sending.abort(new Error('the upstream was closed'))
  }

  private emitOpened(): void {
    this.opened = true
    this.emit('opened', 'http')
  }

  private emit(action: 'opened' | 'closed' | 'lost', reason: string): void {
    const { events, backend, endpoint } = this.options
    events.emit({ kind: 'upstream', action, backend, endpoint: endpoint.id, reason })
  }

  private exchange(message: Message, onDone: () => void, onFailed: (error: Error) => void): void {
    const { client, endpoint, backend, listener } = this.options
    const sending = new Sending(message, backend, this.conversation, listener, (error) => {
      this.underway.remove(sending)
      // Not before: nothing is open at an endpoint that refuses the connection.
      if (sending.status > 0 && !this.opened && !this.closed) this.emitOpened()
      if (error) onFailed(asFailure(backend, error))
      else if (sending.answered) onDone()
      else {
        this.finishing++
        const over = (): void => {
          this.finishing--
          this.loseSoon()
        }
        this.finish(message, sending).then(onDone, onFailed).finally(over)
      }
      this.loseSoon()
    })
    this.underway.add(sending)
    const headers = this.conversation.postHeaders()
    const body = message.bytes
    client.dispatch(endpoint.url, { method: 'POST', headers, body, lasting: true }, sending)
  }

  /** finish looks at an exchange that ended without the answer; the answer may still be fetched. */
  private async finish(message: Message, sending: Sending): Promise<void> {
    const { backend } = this.options
    const answer = sending.answer()
    if (await this.isForgotten(sending.doubted?.doubt ?? doubtIn(answer)))
      throw new SessionLost(this.options.endpoint.id)
    if (sending.doubted) sending.handOn(sending.doubted.response)
    else if (message.kind !== 'request') {
      if (sending.status >= 400) throw refusalOf(backend, answer)
    } else if (!sending.streamed()) {
      const isOpening = message.method === 'initialize'
      sending.handOn(responseIn(backend, answer, message.id, isOpening))
    } else if (!sending.lastEventId || !(await this.resume(message, sending.lastEventId))) {
      const reason = 'its stream ended without a response'
      throw new RouterError('UPSTREAM_FAILED', { backend, reason })
    }
  }

  /** isForgotten tells whether a doubt about our session is true. */
  private async isForgotten(doubt: SessionDoubt | undefined): Promise<boolean> {
    if (!doubt || !this.conversation.sessionId) return false
    return isDoubtTrue(doubt, () => this.isKnown())
  }

  /** isKnown asks once for all who doubt at the same time. */
  private isKnown(): Promise<boolean | undefined> {
    this.asking ??= this.askWhetherKnown().finally(() => (this.asking = undefined))
    return this.asking
  }

  private askWhetherKnown(): Promise<boolean | undefined> {
    const { client, endpoint } = this.options
    return isSessionKnown(client, endpoint.url, this.conversation.postHeaders())
  }

  /** resume fetches the rest of a stream that the Endpoint ended early (SSE polling, spec 2025-11-25, transports). */
  private async resume(message: Message, from: string): Promise<boolean> {
    let lastEventId = from
    for (let tries = 0; tries < resumeTries && !this.closed; tries++) {
      await wait(resumeDelayMs, undefined, { ref: false })
      // The request itself was sent: that this one was not is no reason to take it for never sent.
      const more = await this.openStream(message, lastEventId).catch(() => undefined)
      if (!more) continue
      if (more.status !== 200) return false
      if (more.doubted) more.handOn(more.doubted.response)
      if (more.answered) return true
      if (more.lastEventId !== lastEventId) tries = 0
      lastEventId = more.lastEventId
    }
    return false
  }

  private openStream(
    sent: Message | undefined,
    lastEventId: string,
    onOpen?: () => void,
  ): Promise<Sending> {
    const { client, endpoint, backend, listener } = this.options
    const { sessionId, revision, cookies } = this.conversation
    return new Promise((resolve, reject) => {
      const stream = new Sending(sent, backend, this.conversation, listener, (error) => {
        this.underway.remove(stream)
        if (error) reject(error)
        else resolve(stream)
      })
      stream.lastEventId = lastEventId
      stream.onOpen = onOpen
      const headers = sessionHeaders(endpoint, sessionId, revision, cookies)
      headers.push('accept', 'text/event-stream')
      // Sent as UTF-8 (HTML §9.2.4): a header holds bytes.
      if (lastEventId) headers.push('last-event-id', Buffer.from(lastEventId).toString('latin1'))
      this.underway.add(stream)
      client.dispatch(endpoint.url, { method: 'GET', headers }, stream)
    })
  }
}

const done = (): void => undefined

/** EndedSession is what names a session at its Endpoint. */
export interface EndedSession {
  readonly sessionId: string
  readonly revision: string
  readonly cookies?: string | undefined
}

/** endSession tells the Endpoint that a session is over (DELETE); it may refuse or be gone, which is as good. */
export const endSession = async (
  client: HttpClient,
  endpoint: HttpEndpoint,
  { sessionId, revision, cookies }: EndedSession,
): Promise<void> => {
  const headers = sessionHeaders(endpoint, sessionId, revision, cookies)
  const posting = post(client, endpoint.url, { method: 'DELETE', headers })
  const tooLong = setTimeout(() => posting.abort(new Error('DELETE took too long')), 2_000)
  await posting.answer.catch(() => undefined)
  clearTimeout(tooLong)
}
