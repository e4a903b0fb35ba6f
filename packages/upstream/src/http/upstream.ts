import { setTimeout as wait } from 'node:timers/promises'
import type { HttpEndpoint } from '@mcp-router/core'
import { RouterError } from '@mcp-router/core'
import { createSseDecoder, resultOf, scanMessage } from '@mcp-router/protocol'
import type { Message, SseEvent } from '@mcp-router/protocol'
import { cancelledMessage, discard, SessionLost } from '../upstream.js'
import type { Upstream, UpstreamListener } from '../upstream.js'
import type { HttpClient } from './client.js'
import { sessionHeaders } from './headers.js'
import { headerOf, isEventStream, post } from './post.js'
import type { HttpAnswer, HttpPosting } from './post.js'

/** HttpUpstream is an Upstream over Streamable HTTP; its session id is its whole state. */
export interface HttpUpstream extends Upstream {
  sessionId(): string
}

interface Options {
  readonly client: HttpClient
  readonly endpoint: HttpEndpoint
  readonly backend: string
  readonly listener: UpstreamListener
}

const resumeTries = 5
const resumeDelayMs = 1_000

/** openHttpUpstream connects lazily: the first message, `initialize`, makes the session. */
export const openHttpUpstream = (options: Options): HttpUpstream => {
  const { client, endpoint, backend, listener } = options
  const underway = new Set<HttpPosting>()
  const requests = new Map<string, HttpPosting>()
  let sessionId = ''
  let revision = ''
  const state = { closed: false }

  const run = async (posting: HttpPosting): Promise<HttpAnswer> => {
    underway.add(posting)
    try {
      return await posting.answer
    } finally {
      underway.delete(posting)
    }
  }

  /** hear passes on what comes for `sent` (nothing: the GET stream); it remembers where the stream was and whether the answer came. */
  const hear = (sent: Message | undefined) => {
    const seen = { answered: false, lastEventId: '' }
    const take = (bytes: Buffer): void => {
      const message = scanMessage(bytes)
      if (message.kind === 'response' && message.id === sent?.id) {
        seen.answered = true
        if (sent.method === 'initialize') revision = agreedRevision(message)
      }
      listener.onMessage(message)
    }
    const onEvent = (event: SseEvent): void => {
      if (event.id !== undefined) seen.lastEventId = event.id
      if (event.event === 'message' && event.data.length > 0) take(event.data)
    }
    const fresh = () => {
      const decoder = createSseDecoder(onEvent)
      return (chunk: Buffer): void => decoder.push(chunk)
    }
    return { take, fresh, answered: () => seen.answered, lastEventId: () => seen.lastEventId }
  }

  const openStream = (lastEventId: string, take: () => (chunk: Buffer) => void): HttpPosting => {
    const headers = sessionHeaders(endpoint, sessionId, revision)
    headers.push('accept', 'text/event-stream')
    if (lastEventId) headers.push('last-event-id', lastEventId)
    const taker = (status: number, head: HttpAnswer['headers']) =>
      status === 200 && isEventStream({ headers: head }) ? take() : undefined
    return post(client, endpoint.url, { method: 'GET', headers, taker })
  }

  /** resume fetches the rest of a stream that the Endpoint ended early (SSE polling, spec 2025-11-25 transports). */
  const resume = async (stream: ReturnType<typeof hear>): Promise<void> => {
    for (let tries = 0; tries < resumeTries && !stream.answered() && !state.closed; tries++) {
      await wait(resumeDelayMs, undefined, { ref: false })
      const before = stream.lastEventId()
      const answer = await run(openStream(before, stream.fresh))
      if (answer.status !== 200) return
      if (stream.lastEventId() !== before) tries = 0
    }
  }

  const send = async (message: Message): Promise<void> => {
    const headers = sessionHeaders(endpoint, sessionId, revision)
    headers.push('content-type', 'application/json')
    headers.push('accept', 'application/json, text/event-stream')
    const stream = hear(message)
    const taker = (status: number, head: HttpAnswer['headers']) => {
      if (message.method === 'initialize') sessionId = headerOf({ headers: head }, 'mcp-session-id')
      return status === 200 && isEventStream({ headers: head }) ? stream.fresh() : undefined
    }
    const posting = post(client, endpoint.url, {
      method: 'POST',
      headers,
      body: message.bytes,
      taker,
    })
    if (message.kind === 'request') requests.set(message.id, posting)
    const answer = await run(posting).finally(() => requests.delete(message.id))
    if (answer.status === 404 && sessionId) throw new SessionLost(endpoint.url)
    if (answer.body.length > 0 && isJson(answer)) stream.take(answer.body)
    if (message.kind !== 'request' || stream.answered()) return
    if (isEventStream(answer) && stream.lastEventId()) await resume(stream)
    if (stream.answered()) return
    if (answer.status >= 400) throw refused(backend, answer.status)
    throw new RouterError('UPSTREAM_FAILED', { backend, reason: 'the stream ended without answer' })
  }

  const listen = (): void => {
    const stream = hear(undefined)
    const follow = async (): Promise<void> => {
      for (let failures = 0; failures < resumeTries && !state.closed; failures++) {
        const posting = openStream(stream.lastEventId(), () => {
          failures = 0
          return stream.fresh()
        })
        const status = await run(posting).then(
          (answer) => answer.status,
          () => 0,
        )
        if (status !== 200 && status !== 0) return
        await wait(resumeDelayMs, undefined, { ref: false })
      }
    }
    void follow()
  }

  return {
    send,
    listen,
    cancel(id) {
      discard(send(cancelledMessage(id)))
      requests.get(id)?.abort(new Error('the request was cancelled'))
    },
    sessionId: () => sessionId,
    async close() {
      if (state.closed) return
      state.closed = true
      for (const posting of underway) posting.abort(new Error('the upstream was closed'))
      if (sessionId) await endSession(client, endpoint, sessionId, revision)
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

const agreedRevision = (answer: Message): string => {
  const version = resultOf(answer)?.['protocolVersion']
  return typeof version === 'string' ? version : ''
}

const isJson = (answer: HttpAnswer): boolean =>
  headerOf(answer, 'content-type').startsWith('application/json')

const refused = (backend: string, status: number): RouterError =>
  new RouterError('UPSTREAM_BAD_ANSWER', { backend, reason: `HTTP ${status}` })
