import { setTimeout as wait } from 'node:timers/promises'
import type { HttpEndpoint } from '@mcp-router/core'
import { RouterError } from '@mcp-router/core'
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
  const underway = new Map<Sending, string>()
  const state = { closed: false }

  /** start dispatches; while it is under way, `cancel` and `close` find it. */
  const start = (sending: Sending, id: string, go: () => void): Promise<number> => {
    underway.set(sending, id)
    go()
    return sending.ended
  }

  const openStream = (sending: Sending): Promise<number> => {
    const headers = sessionHeaders(endpoint, conversation.sessionId(), conversation.revision())
    headers.push('accept', 'text/event-stream')
    if (sending.lastEventId) headers.push('last-event-id', sending.lastEventId)
    return start(sending, '', () => {
      client.dispatch(endpoint.url, { method: 'GET', headers }, sending)
    }).finally(() => underway.delete(sending))
  }

  /** resume fetches the rest of a stream that the Endpoint ended early (SSE polling, spec 2025-11-25, transports). */
  const resume = async (message: Message, from: string): Promise<boolean> => {
    let lastEventId = from
    for (let tries = 0; tries < resumeTries && !state.closed; tries++) {
      await wait(resumeDelayMs, undefined, { ref: false })
      const more = new Sending(message, conversation, listener)
      more.lastEventId = lastEventId
      if ((await openStream(more)) !== 200) return false
      if (more.answered) return true
      if (more.lastEventId !== lastEventId) tries = 0
      lastEventId = more.lastEventId
    }
    return false
  }

  const send = async (message: Message): Promise<void> => {
    const sending = new Sending(message, conversation, listener)
    const headers = conversation.postHeaders()
    try {
      await start(sending, message.id, () => {
        const body = message.bytes
        client.dispatch(endpoint.url, { method: 'POST', headers, body }, sending)
      })
    } finally {
      underway.delete(sending)
    }
    if (sending.answered) return
    if (sending.status === 404 && conversation.sessionId()) throw new SessionLost(endpoint.url)
    if (sending.status >= 400) throw refused(backend, sending.status)
    if (message.kind !== 'request') return
    if (sending.lastEventId && (await resume(message, sending.lastEventId))) return
    const reason = sending.streamed() ? 'the stream ended without answer' : 'it answered nothing'
    throw new RouterError('UPSTREAM_FAILED', { backend, reason })
  }

  /** follow keeps the GET stream open for as long as the Endpoint offers one. */
  const follow = async (): Promise<void> => {
    let lastEventId = ''
    for (let failures = 0; failures < resumeTries && !state.closed; failures++) {
      const stream = new Sending(undefined, conversation, listener)
      stream.lastEventId = lastEventId
      const status = await openStream(stream).catch(() => 0)
      if (status !== 200 && status !== 0) return
      if (stream.streamed()) failures = 0
      lastEventId = stream.lastEventId
      await wait(resumeDelayMs, undefined, { ref: false })
    }
  }

  return {
    send,
    listen: () => void follow(),
    cancel(id) {
      discard(send(cancelledMessage(id)))
      for (const [sending, of] of underway) {
        if (of === id) sending.abort(new Error('the request was cancelled'))
      }
    },
    async close() {
      if (state.closed) return
      state.closed = true
      for (const sending of underway.keys()) sending.abort(new Error('the upstream was closed'))
      const sessionId = conversation.sessionId()
      if (sessionId) await endSession(client, endpoint, sessionId, conversation.revision())
      listener.onClose(undefined)
    },
  }
}

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

const refused = (backend: string, status: number): RouterError =>
  new RouterError('UPSTREAM_BAD_ANSWER', { backend, reason: `HTTP ${status}` })
