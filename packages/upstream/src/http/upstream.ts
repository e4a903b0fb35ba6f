import { setTimeout as wait } from 'node:timers/promises'
import type { HttpEndpoint } from '@mcp-router/core'
import { Chain, RouterError } from '@mcp-router/core'
import { MalformedMessage } from '@mcp-router/protocol'
import type { Message } from '@mcp-router/protocol'
import { cancelledMessage, discard, SessionLost } from '../upstream.js'
import type { Upstream, UpstreamListener } from '../upstream.js'
import type { HttpClient } from './client.js'
import { createConversation } from './conversation.js'
import { sessionHeaders } from './headers.js'
import { post } from './post.js'
import { Sending } from './sending.js'

interface Options {
  readonly client: HttpClient
  readonly endpoint: HttpEndpoint
  readonly backend: string
  readonly listener: UpstreamListener
}

const resumeTries = 5
const resumeDelayMs = 1_000

/**
 * openHttpUpstream speaks Streamable HTTP (spec 2025-03-26 and later, transports). It connects lazily: the first message, `initialize`,
 * makes the session.
 */
export const openHttpUpstream = (options: Options): Upstream => {
  const { client, endpoint, backend, listener } = options
  const conversation = createConversation(endpoint)
  const underway = new Chain<Sending>()
  const state = { closed: false }

  const openStream = (sent: Message | undefined, lastEventId: string): Promise<Sending> =>
    new Promise((resolve, reject) => {
      const stream = new Sending(sent, conversation, listener, (error) => {
        underway.remove(stream)
        if (error) reject(error)
        else resolve(stream)
      })
      stream.lastEventId = lastEventId
      const headers = sessionHeaders(endpoint, conversation.sessionId(), conversation.revision())
      headers.push('accept', 'text/event-stream')
      if (lastEventId) headers.push('last-event-id', lastEventId)
      underway.add(stream)
      client.dispatch(endpoint.url, { method: 'GET', headers }, stream)
    })

  /** resume fetches the rest of a stream that the Endpoint ended early (SSE polling, spec 2025-11-25, transports). */
  const resume = async (message: Message, from: string): Promise<boolean> => {
    let lastEventId = from
    for (let tries = 0; tries < resumeTries && !state.closed; tries++) {
      await wait(resumeDelayMs, undefined, { ref: false })
      const more = await openStream(message, lastEventId)
      if (more.status !== 200) return false
      if (more.answered) return true
      if (more.lastEventId !== lastEventId) tries = 0
      lastEventId = more.lastEventId
    }
    return false
  }

  /** finish looks at an exchange that ended without the answer; the answer may still be fetched. */
  const finish = async (message: Message, sending: Sending): Promise<void> => {
    if (sending.status === 404 && conversation.sessionId()) throw new SessionLost(endpoint.url)
    if (sending.status >= 400) throw refused(backend, sending.status)
    if (message.kind !== 'request') return
    if (sending.lastEventId && (await resume(message, sending.lastEventId))) return
    const reason = sending.streamed() ? 'the stream ended without answer' : 'it answered nothing'
    throw new RouterError('UPSTREAM_FAILED', { backend, reason })
  }

  const exchange = (
    message: Message,
    onDone: () => void,
    onFailed: (error: Error) => void,
  ): void => {
    const sending = new Sending(message, conversation, listener, (error) => {
      underway.remove(sending)
      if (error) onFailed(asFailure(backend, error))
      else if (sending.answered) onDone()
      else finish(message, sending).then(onDone, onFailed)
    })
    underway.add(sending)
    const headers = conversation.postHeaders()
    const body = message.bytes
    client.dispatch(endpoint.url, { method: 'POST', headers, body, lasting: true }, sending)
  }

  const send = (message: Message): Promise<void> =>
    new Promise((resolve, reject) => exchange(message, resolve, reject))

  /** follow keeps the GET stream open for as long as the Endpoint offers one. */
  const follow = async (): Promise<void> => {
    let lastEventId = ''
    for (let failures = 0; failures < resumeTries && !state.closed; failures++) {
      const stream = await openStream(undefined, lastEventId).catch(() => undefined)
      if (stream && stream.status !== 200) return
      if (stream?.streamed()) failures = 0
      lastEventId = stream?.lastEventId ?? lastEventId
      await wait(resumeDelayMs, undefined, { ref: false })
    }
  }

  return {
    send,
    pass: (message, onFailed) => exchange(message, done, onFailed),
    listen: () => void follow(),
    cancel(id) {
      discard(send(cancelledMessage(id)))
      for (const sending of underway) {
        if (sending.sent?.id === id) sending.abort(new Error('the request was cancelled'))
      }
    },
    async close() {
      if (state.closed) return
      state.closed = true
      for (const sending of underway) sending.abort(new Error('the upstream was closed'))
      const sessionId = conversation.sessionId()
      if (sessionId) await endSession(client, endpoint, sessionId, conversation.revision())
      listener.onClose(undefined)
    },
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
