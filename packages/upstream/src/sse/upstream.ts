import type { Backend, EventSink, SseEndpoint } from '@mcp-router/core'
import { reasonOf, RouterError } from '@mcp-router/core'
import { createSseDecoder, scanMessage } from '@mcp-router/protocol'
import type { Message, SseEvent } from '@mcp-router/protocol'
import type { HttpClient } from '../http/client.js'
import { isEventStream, post } from '../http/post.js'
import { cancelledMessage, discard, passBy, SessionLost } from '../upstream.js'
import type { Upstream, UpstreamListener } from '../upstream.js'

interface Options {
  readonly client: HttpClient
  readonly endpoint: SseEndpoint
  readonly backend: Backend
  readonly listener: UpstreamListener
  readonly events: EventSink
}

const endpointWaitMs = 10_000

/**
 * openSseUpstream speaks HTTP+SSE (spec 2024-11-05, transports): everything from the server comes on one GET stream, whose first event
 * says where to POST. It resolves once that event is there and rejects with NO_HEALTHY_ENDPOINT otherwise.
 */
export const openSseUpstream = async (options: Options): Promise<Upstream> => {
  const { client, endpoint, backend, listener, events } = options
  const tell = (action: 'opened' | 'closed' | 'lost', reason: string): void =>
    events.emit({ kind: 'upstream', action, backend: backend.name, endpoint: endpoint.id, reason })
  const own = Object.entries(endpoint.headers).flat()
  let closing = false
  let hearAddress: (address: string) => void = () => undefined
  const address = new Promise<string>((resolve) => {
    hearAddress = resolve
  })
  const decoder = createSseDecoder((event: SseEvent) => {
    if (event.event === 'endpoint') hearAddress(event.data.toString('utf8').trim())
    if (event.event === 'message' && event.data.length > 0) {
      listener.onMessage(scanMessage(event.data))
    }
  })
  const stream = post(client, endpoint.url, {
    method: 'GET',
    headers: [...own, 'accept', 'text/event-stream'],
    taker: (status, headers) =>
      status === 200 && isEventStream({ headers }) ? (chunk) => decoder.push(chunk) : undefined,
  })
  const ended = stream.answer.then(
    (answer) => new Error(answer.status === 200 ? 'the stream ended' : `HTTP ${answer.status}`),
    (cause: unknown) => new Error(reasonOf(cause), { cause }),
  )
  const tooLong = setTimeout(() => stream.abort(new Error('no endpoint event')), endpointWaitMs)
  const first = await Promise.race([address, ended])
  clearTimeout(tooLong)
  if (first instanceof Error) {
    const data = { backend: backend.name, reason: `opening ${endpoint.url}: ${first.message}` }
    throw new RouterError('NO_HEALTHY_ENDPOINT', data, first)
  }
  const postUrl = sameOrigin(first, endpoint.url)
  if (!postUrl) {
    stream.abort(new Error('refused'))
    const reason = 'its endpoint event names another origin'
    throw new RouterError('UPSTREAM_BAD_ANSWER', { backend: backend.name, reason })
  }
  tell('opened', 'sse')
  void ended.then((cause) => {
    if (closing) tell('closed', 'no longer needed')
    else tell('lost', cause.message)
    const data = { backend: backend.name, reason: cause.message }
    listener.onClose(closing ? undefined : new RouterError('UPSTREAM_FAILED', data, cause))
  })

  const send = async (message: Message): Promise<void> => {
    const headers = [...own, 'content-type', 'application/json']
    const posting = post(client, postUrl, { method: 'POST', headers, body: message.bytes })
    const { status, body } = await posting.answer
    if (status < 400) return
    if (isForgotten(status, body)) throw new SessionLost(endpoint.url)
    const data = { backend: backend.name, reason: `HTTP ${status}` }
    throw new RouterError('UPSTREAM_BAD_ANSWER', data)
  }

  return {
    send,
    pass: passBy(send),
    listen: () => undefined,
    cancel: (id) => discard(send(cancelledMessage(id))),
    async close() {
      if (closing) return
      closing = true
      stream.abort(new Error('the upstream was closed'))
      await ended
    },
  }
}

/** What servers say of a session that they do not know, where their status is not 404: theirs are called sessions or transports. */
const unknown = /session|transport/i
/** A refusal is short. */
const longestRefusal = 4_096

/** isForgotten: it was started anew, and the end of the old stream is still on its way. */
const isForgotten = (status: number, body: Buffer): boolean =>
  status === 404 ||
  (status === 400 && body.length <= longestRefusal && unknown.test(body.toString('latin1')))

/** sameOrigin resolves the announced address; another origin is refused, or a server could aim the router at anything. */
const sameOrigin = (address: string, base: string): string | undefined => {
  const origin = new URL(base).origin
  if (!URL.canParse(address, base)) return undefined
  const resolved = new URL(address, base)
  return resolved.origin === origin ? resolved.href : undefined
}
