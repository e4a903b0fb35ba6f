import type { BackendName, HttpEndpoint } from '@mcp-router/core'
import { RouterError } from '@mcp-router/core'
import {
  ChunkCollector,
  createSseDecoder,
  MalformedMessage,
  resultOf,
  scanMessage,
} from '@mcp-router/protocol'
import type { Message, SseEvent } from '@mcp-router/protocol'
import {
  discard,
  eventFault,
  isEventStream,
  lateOpening,
  lingerMs,
  ownResponse,
  post,
  responseIn,
  sessionHeaders,
} from '@mcp-router/upstream'
import type { HttpAnswer } from '@mcp-router/upstream'
import type { Context } from '../context.js'

/** Opener is on whose behalf `initialize` is sent. */
export interface Opener {
  readonly backend: string
  /** Calls back when it is not wanted any more. */
  whenClosed(watcher: () => void): void
}

/** askOpening sends `initialize` and resolves with the answer once the response is in it; a stream need not have ended. */
export const askOpening = (
  context: Context,
  opener: Opener,
  endpoint: HttpEndpoint,
  message: Message,
): Promise<HttpAnswer> =>
  new Promise((resolve, reject) => {
    const headers = sessionHeaders(endpoint, '', '')
    headers.push('content-type', 'application/json')
    headers.push('accept', 'application/json, text/event-stream')
    const limit = context.deps.client.maxResponseBytes
    const said = new ChunkCollector()
    let isComplete = false

    const taker = (status: number, head: HttpAnswer['headers']) => {
      if (status !== 200 || !isEventStream({ headers: head })) return undefined
      const decoder = createSseDecoder((event) => {
        if (!isResponse(event)) return
        if (isComplete) return
        isComplete = true
        resolve({ status, headers: head, body: said.take() })
        setTimeout(() => posting.abort(new Error('the response is complete')), lingerMs)
      }, limit)
      return (chunk: Buffer): void => {
        if (isComplete) return
        // Each event may be short: all of them are one answer.
        if (said.bytes + chunk.length > limit)
          throw new MalformedMessage('not-jsonrpc', `more than ${limit} bytes before its response`)
        said.push(chunk)
        decoder.push(chunk)
      }
    }

    const posting = post(context.deps.client, endpoint.url, {
      method: 'POST',
      headers,
      body: message.bytes,
      taker,
    })
    opener.whenClosed(() => posting.abort(new Error('the client left')))
    const limitMs = context.deps.options.openTimeoutMs
    const reason = lateOpening('initialize', limitMs)
    const late = new RouterError('OPENING_FAILED', { backend: opener.backend, reason })
    const tooLong = setTimeout(() => posting.abort(late), limitMs)
    discard(posting.answer.finally(() => clearTimeout(tooLong)))
    posting.answer.then(
      (answer) => resolve(said.bytes > 0 ? { ...answer, body: said.take() } : answer),
      reject,
    )
  })

/** Errors of what is decoded are for whoever reads the whole answer. */
const isResponse = ({ event, data }: SseEvent): boolean => {
  if (event !== 'message' || data.length === 0) return false
  try {
    return scanMessage(data).kind === 'response'
  } catch {
    return true
  }
}

/** So `initialize` is refused by a server of 2024-11-05 (2025-11-25, transports, backwards compatibility). */
const sseStatuses: ReadonlySet<number> = new Set([400, 404, 405])

/** isOfSse tells whether who answered `initialize` is a server of 2024-11-05, at an Endpoint whose Transport is not configured. */
export const isOfSse = async (
  { deps }: Context,
  backend: BackendName,
  endpoint: HttpEndpoint,
  { status }: HttpAnswer,
): Promise<boolean> => sseStatuses.has(status) && deps.transports.isSse(backend, endpoint)

/** Opening is what an Endpoint answered to `initialize`. */
export interface Opening {
  readonly response: Message
  /** The InitializeResult; undefined: it was refused. */
  readonly result: Readonly<Record<string, unknown>> | undefined
  /** What it said before, on a stream. */
  readonly said: readonly Message[]
}

/** readOpening finds the response to the request with this id. It blames the Endpoint, not the client, for an answer without one. */
export const readOpening = (backend: string, answer: HttpAnswer, id: string): Opening => {
  try {
    const messages = isEventStream(answer)
      ? eventsIn(backend, answer, id)
      : [responseIn(backend, answer, id, true)]
    const response = messages.find(({ kind }) => kind === 'response')
    if (!response) {
      const reason = 'its stream ended without a response'
      throw new RouterError('UPSTREAM_FAILED', { backend, reason })
    }
    const said = messages.filter((message) => message !== response)
    return { response, result: resultOf(response), said }
  } catch (error) {
    throw error instanceof MalformedMessage ? eventFault(backend, error) : error
  }
}

const eventsIn = (backend: string, answer: HttpAnswer, id: string): Message[] => {
  const messages: Message[] = []
  createSseDecoder(({ event, data }) => {
    if (event !== 'message' || data.length === 0) return
    const message = scanMessage(data)
    messages.push(message.kind === 'response' ? ownResponse(backend, message, id) : message)
  }).push(answer.body)
  return messages
}
