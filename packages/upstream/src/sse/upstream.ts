import { setImmediate } from 'node:timers/promises'
import type { Backend, EventSink, SseEndpoint } from '@mcp-router/core'
import { reasonOf, RouterError, shortReason } from '@mcp-router/core'
import { createSseDecoder } from '@mcp-router/protocol'
import type { Message, SseEvent } from '@mcp-router/protocol'
import type { HttpClient } from '../http/client.js'
import { withCookies } from '../http/cookies.js'
import { isEventStream, sessionHeaders } from '../http/headers.js'
import { post } from '../http/post.js'
import { doubtIn, isDoubtTrue, isSessionKnown } from '../http/session-doubt.js'
import { isLoop, noServerThere, refusalOf } from '../http/verdict.js'
import { failedAnswer, messagesIn, refusalsIn } from '../messages.js'
import { createChildLog, createJunkGuard } from '../stdio/child-log.js'
import { maskingOf } from '../stdio/stderr.js'
import { noteUnusable, noteUsable } from '../unusable.js'
import { cancelledMessage, discard, passBy, SessionLost } from '../upstream.js'
import type { Upstream, UpstreamListener } from '../upstream.js'

interface Options {
  readonly client: HttpClient
  readonly endpoint: SseEndpoint
  readonly backend: Pick<Backend, 'name'>
  readonly listener: UpstreamListener
  readonly events: EventSink
  /** How long the server may take to say where to POST, ms. */
  readonly waitMs?: number
}

const notRpc = 'an event that is not JSON-RPC'

/** Another try would be refused as well. */
const finalCodes: ReadonlySet<string> = new Set(['UPSTREAM_CREDENTIAL_REFUSED', 'LOOP_DETECTED'])

/** maybeStreamable is what to do about an Endpoint of which the file says HTTP+SSE, and whose server answers otherwise. */
export const maybeStreamable =
  'it may speak Streamable HTTP: remove "transport: sse", or correct its url'

/** So a server of Streamable HTTP answers a GET without a session. A 404 may be that of a proxy whose server is starting. */
const streamableStatuses: ReadonlySet<number> = new Set([400, 405, 406])

/** NotSse is what an Endpoint did that serves no HTTP+SSE at its address, as the cause of NO_HEALTHY_ENDPOINT. */
export class NotSse extends Error {
  constructor(cause: Error) {
    super(cause.message, { cause })
    this.name = 'NotSse'
  }
}

/**
 * openSseUpstream speaks HTTP+SSE (spec 2024-11-05, transports): everything from the server comes on one GET stream, whose first event
 * says where to POST. It resolves once that event is there and rejects with NO_HEALTHY_ENDPOINT otherwise.
 */
export const openSseUpstream = async (options: Options): Promise<Upstream> => {
  const { client, backend, listener, events, waitMs = 10_000 } = options
  let { endpoint } = options
  const emit = (action: 'opened' | 'closed' | 'lost' | 'skipped', reason: string): void =>
    events.emit({ kind: 'upstream', action, backend: backend.name, endpoint: endpoint.id, reason })
  /** What the server set, as it is sent back. */
  let cookies = ''
  let closing = false
  const seen = { status: 0, isStream: false, isSilent: false }
  let onAddress: (address: string) => void = () => undefined
  const address = new Promise<string>((resolve) => {
    onAddress = resolve
  })
  const log = createChildLog((line) => emit('skipped', line))
  const junk = createJunkGuard()
  const mask = maskingOf({ endpoints: [endpoint] })
  /** A fault in here concerns one message; on this stream are the answers of all others, too. */
  const deliver = (message: Message): void => {
    try {
      listener.onMessage(message)
    } catch (error) {
      log.add(() => `a message was not taken: ${reasonOf(error)}`)
    }
  }
  /** Before it is known where to POST nothing can be refused, and nobody has called anything. */
  let refuse: (refusal: Message) => void = () => undefined
  /** One event that cannot be read fails the call that it names; one that names none is skipped. A stream that is full of them ends. */
  const onData = (data: Buffer): void => {
    const messages = messagesIn(backend.name, data)
    messages.forEach(deliver)
    if (messages.length > 0) return
    log.add(() => mask(`${notRpc}: ${data.toString('utf8', 0, 500)}`))
    const failed = failedAnswer(backend.name, data, notRpc)
    if (failed) deliver(failed)
    refusalsIn(data).forEach((refusal) => refuse(refusal))
    junk()
  }
  const decoder = createSseDecoder((event: SseEvent) => {
    if (event.event === 'endpoint') onAddress(event.data.toString('utf8').trim())
    if (event.event === 'message' && event.data.length > 0) onData(event.data)
  }, client.maxResponseBytes)
  const stream = post(client, endpoint.url, {
    method: 'GET',
    headers: [...sessionHeaders(endpoint, '', ''), 'accept', 'text/event-stream'],
    taker(answered, headers) {
      seen.status = answered
      cookies = withCookies(cookies, headers)
      seen.isStream = answered === 200 && isEventStream({ headers })
      return seen.isStream ? (chunk) => decoder.push(chunk) : undefined
    },
  })
  const ended = stream.answer.then(
    (answer) =>
      (answer.status >= 400 && answer.status < 500) || isLoop(answer.status)
        ? refusalOf(backend.name, answer, true)
        : new Error(seen.isStream ? 'the stream ended' : `HTTP ${answer.status}, no event stream`),
    (cause: unknown) => new Error(reasonOf(cause), { cause }),
  )
  const tooLong = setTimeout(() => {
    seen.isSilent = true
    stream.abort(new Error('no endpoint event'))
  }, waitMs)
  const first = await Promise.race([address, ended])
  clearTimeout(tooLong)
  if (first instanceof RouterError && finalCodes.has(first.code)) throw first
  if (first instanceof Error) {
    const reason = `opening ${endpoint.id}: ${shortReason(first)}`
    const { status, isStream, isSilent } = seen
    // A stream that broke off is that of a server which ends.
    const isOther = isStream ? isSilent : status > 0 && status < 500 && status !== 429
    throw notOpened(options, { reason, status, isOther }, isOther ? new NotSse(first) : first)
  }
  noteUsable(endpoint)
  const postUrl = sameOrigin(first, endpoint.url)
  if (!postUrl) {
    stream.abort(new Error('refused'))
    const reason = 'its endpoint event names another origin'
    throw new RouterError('UPSTREAM_BAD_ANSWER', { backend: backend.name, reason })
  }
  emit('opened', 'sse')
  const postHeaders = (): string[] => [
    ...sessionHeaders(endpoint, '', '', cookies),
    'content-type',
    'application/json',
  ]
  /** The ping under way, by which all who doubt at the same time learn whether the server knows the session. */
  let asking: Promise<boolean | undefined> | undefined
  const isKnown = (): Promise<boolean | undefined> => {
    asking ??= isSessionKnown(client, postUrl, postHeaders()).finally(() => (asking = undefined))
    return asking
  }
  void ended.then(async (cause) => {
    log.close()
    // What met a server that had forgotten the session hears that for itself first.
    if (asking) await asking.then(() => setImmediate())
    if (closing) emit('closed', 'no longer needed')
    else emit('lost', cause.message)
    const data = { backend: backend.name, reason: cause.message }
    listener.onClose(closing ? undefined : new RouterError('UPSTREAM_FAILED', data, cause))
  })

  const send = async (message: Message): Promise<void> => {
    const { bytes: body } = message
    const request = { method: 'POST', headers: postHeaders(), body, isNotice: true } as const
    const posting = post(client, postUrl, request)
    const answer = await posting.answer
    cookies = withCookies(cookies, answer.headers)
    if (answer.status < 400) return
    const doubt = doubtIn(answer)
    // It was started anew, and the end of the old stream is still on its way.
    if (doubt && (await isDoubtTrue(doubt, isKnown))) throw new SessionLost(endpoint.id)
    const refusal = refusalOf(backend.name, answer)
    throw doubt && refusal.code === 'UPSTREAM_BAD_ANSWER' ? contradicted(refusal) : refusal
  }

  refuse = (refusal) => discard(send(refusal))

  return {
    send,
    pass: passBy(send),
    listen: () => undefined,
    use(changed) {
      if (changed.transport !== 'stdio') endpoint = { ...changed, transport: 'sse' }
    },
    cancel: (id) => discard(send(cancelledMessage(id))),
    async close() {
      if (closing) return
      closing = true
      stream.abort(new Error('the upstream was closed'))
      await ended
    },
  }
}

/** contradicted is a refusal for want of a session that a ping does not confirm: the message may have been executed. */
const contradicted = (refusal: RouterError): RouterError => {
  const reason = `${shortReason(refusal)}, unlike a ping in the same session`
  return new RouterError('UPSTREAM_FAILED', { ...refusal.data, did: 'refused the message', reason })
}

/** notOpened is final where the server speaks otherwise; one whose Transport was found out is asked anew. */
const notOpened = (
  { backend: { name: backend }, endpoint }: Options,
  { reason, status, isOther }: { reason: string; status: number; isOther: boolean },
  cause: Error,
): RouterError => {
  const isTold = isOther && endpoint.isAuto !== true
  const short = isTold ? reason.replace(`; ${noServerThere}`, '') : reason
  if (isTold && streamableStatuses.has(status)) {
    noteUnusable(endpoint)
    const explained = `${short}; ${maybeStreamable}`
    return new RouterError('BACKEND_MISCONFIGURED', { backend, reason: explained }, cause)
  }
  noteUsable(endpoint)
  const data = { backend, reason: short, ...(isTold && { todo: maybeStreamable }) }
  return new RouterError('NO_HEALTHY_ENDPOINT', data, cause)
}

/** sameOrigin resolves the announced address; another origin is refused, or a server could aim the router at anything. */
const sameOrigin = (address: string, base: string): string | undefined => {
  const origin = new URL(base).origin
  if (!URL.canParse(address, base)) return undefined
  const resolved = new URL(address, base)
  return resolved.origin === origin ? resolved.href : undefined
}
