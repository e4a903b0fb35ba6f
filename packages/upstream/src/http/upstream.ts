import { setTimeout as wait } from 'node:timers/promises'
import type { BackendName, EventSink, HttpEndpoint } from '@mcp-router/core'
import { Chain, RouterError } from '@mcp-router/core'
import { MalformedMessage } from '@mcp-router/protocol'
import type { Message } from '@mcp-router/protocol'
import { cancelledMessage, SessionLost } from '../upstream.js'
import type { Upstream, UpstreamListener } from '../upstream.js'
import type { HttpClient } from './client.js'
import { HttpConversation } from './conversation.js'
import { sessionHeaders } from './headers.js'
import { post } from './post.js'
import { Sending } from './sending.js'

interface Options {
  readonly client: HttpClient
  readonly endpoint: HttpEndpoint
  readonly backend: BackendName
  readonly listener: UpstreamListener
  readonly events: EventSink
}

const resumeTries = 5
/** How long a server may take to hear of a cancellation before its session is ended, ms. */
const farewellMs = 500
const resumeDelayMs = 1_000

/**
 * openHttpUpstream speaks Streamable HTTP (spec 2025-03-26 and later, transports). It connects lazily: the first message, `initialize`,
 * makes the session.
 */
export const openHttpUpstream = (options: Options): Upstream => new HttpUpstream(options)

/** Of these there are as many as idle clients of 2024-11-05: a class, whose functions all of them share. */
class HttpUpstream implements Upstream {
  private readonly options: Options
  private readonly conversation: HttpConversation
  private readonly underway = new Chain<Sending>()
  private opened = false
  /** The last cancellation, until it has arrived. */
  private farewell: Promise<void> | undefined
  private forgotten = false
  private closed = false

  constructor(options: Options) {
    this.options = options
    this.conversation = new HttpConversation(options.endpoint)
  }

  send(message: Message): Promise<void> {
    return new Promise((resolve, reject) => this.exchange(message, resolve, reject))
  }

  pass(message: Message, onFailed: (error: Error) => void): void {
    this.exchange(message, done, onFailed)
  }

  listen(): void {
    void this.follow()
  }

  cancel(id: string): void {
    this.farewell = this.send(cancelledMessage(id)).catch(() => undefined)
    for (const sending of this.underway) {
      if (sending.sent?.id === id) sending.abort(new Error('the request was cancelled'))
    }
  }

  async close(): Promise<void> {
    if (this.closed) return
    this.closed = true
    // What was cancelled a moment ago must be known before the session ends.
    if (this.farewell)
      await Promise.race([this.farewell, wait(farewellMs, undefined, { ref: false })])
    this.abortAll()
    const { client, endpoint, listener } = this.options
    const { sessionId, revision } = this.conversation
    if (sessionId) await endSession(client, endpoint, sessionId, revision)
    if (this.opened) this.tell('closed', 'no longer needed')
    listener.onClose(undefined)
  }

  /** lose ends it without a goodbye: the Endpoint has forgotten the session. What is under way hears that for itself first. */
  private lose(): void {
    this.forgotten = true
    for (const { sent } of this.underway) if (sent) return
    if (this.closed) return
    this.closed = true
    const { backend, endpoint, listener } = this.options
    const lost = new SessionLost(endpoint.url)
    this.tell('lost', lost.message)
    listener.onClose(new RouterError('UPSTREAM_FAILED', { backend, reason: lost.message }, lost))
  }

  private abortAll(): void {
    for (const sending of this.underway) sending.abort(new Error('the upstream was closed'))
  }

  private tellOpened(): void {
    this.opened = true
    this.tell('opened', 'http')
  }

  private tell(action: 'opened' | 'closed' | 'lost', reason: string): void {
    const { events, backend, endpoint } = this.options
    events.emit({ kind: 'upstream', action, backend, endpoint: endpoint.id, reason })
  }

  private exchange(message: Message, onDone: () => void, onFailed: (error: Error) => void): void {
    if (!this.opened) this.tellOpened()
    const { client, endpoint, backend, listener } = this.options
    const sending = new Sending(message, this.conversation, listener, (error) => {
      this.underway.remove(sending)
      if (error) onFailed(asFailure(backend, error))
      else if (sending.answered) onDone()
      else this.finish(message, sending).then(onDone, onFailed)
      if (this.forgotten) setImmediate(() => this.lose())
    })
    this.underway.add(sending)
    const headers = this.conversation.postHeaders()
    const body = message.bytes
    client.dispatch(endpoint.url, { method: 'POST', headers, body, lasting: true }, sending)
  }

  /** finish looks at an exchange that ended without the answer; the answer may still be fetched. */
  private async finish(message: Message, sending: Sending): Promise<void> {
    const { endpoint, backend } = this.options
    if (sending.status === 404 && this.conversation.sessionId) throw new SessionLost(endpoint.url)
    if (sending.status >= 400) throw refused(backend, sending.status)
    if (message.kind !== 'request') return
    if (sending.lastEventId && (await this.resume(message, sending.lastEventId))) return
    const reason = sending.streamed() ? 'the stream ended without answer' : 'it answered nothing'
    throw new RouterError('UPSTREAM_FAILED', { backend, reason })
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
      if (more.answered) return true
      if (more.lastEventId !== lastEventId) tries = 0
      lastEventId = more.lastEventId
    }
    return false
  }

  /** follow keeps the GET stream open for as long as the Endpoint offers one. */
  private async follow(): Promise<void> {
    let lastEventId = ''
    for (let failures = 0; failures < resumeTries && !this.closed; failures++) {
      const stream = await this.openStream(undefined, lastEventId).catch(() => undefined)
      if (stream?.status === 404 && this.conversation.sessionId) {
        this.lose()
        return
      }
      if (stream && stream.status !== 200) return
      if (stream?.streamed()) failures = 0
      lastEventId = stream?.lastEventId ?? lastEventId
      await wait(resumeDelayMs, undefined, { ref: false })
    }
  }

  private openStream(sent: Message | undefined, lastEventId: string): Promise<Sending> {
    const { client, endpoint, listener } = this.options
    const { sessionId, revision } = this.conversation
    return new Promise((resolve, reject) => {
      const stream = new Sending(sent, this.conversation, listener, (error) => {
        this.underway.remove(stream)
        if (error) reject(error)
        else resolve(stream)
      })
      stream.lastEventId = lastEventId
      const headers = sessionHeaders(endpoint, sessionId, revision)
      headers.push('accept', 'text/event-stream')
      if (lastEventId) headers.push('last-event-id', lastEventId)
      this.underway.add(stream)
      client.dispatch(endpoint.url, { method: 'GET', headers }, stream)
    })
  }
}

const done = (): void => undefined

/** endSession tells the Endpoint that a session is over (DELETE); it may refuse or be gone, which is as good. */
export const endSession = async (
  client: HttpClient,
  endpoint: HttpEndpoint,
  sessionId: string,
  revision: string,
): Promise<void> => {
  const headers = sessionHeaders(endpoint, sessionId, revision)
  const posting = post(client, endpoint.url, { method: 'DELETE', headers })
  const tooLong = setTimeout(() => posting.abort(new Error('DELETE took too long')), 2_000)
  await posting.answer.catch(() => undefined)
  clearTimeout(tooLong)
}

/** What broke off because it is no message is told as that. */
const asFailure = (backend: string, error: Error): Error =>
  error instanceof MalformedMessage
    ? new RouterError('UPSTREAM_BAD_ANSWER', { backend, reason: error.message }, error)
    : error

const refused = (backend: string, status: number): RouterError =>
  new RouterError('UPSTREAM_BAD_ANSWER', { backend, reason: `HTTP ${status}` })
