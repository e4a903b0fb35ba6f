import type { HttpEndpoint } from '@mcp-router/core'
import { RouterError } from '@mcp-router/core'
import { createSseDecoder, MalformedMessage, resultOf, scanMessage } from '@mcp-router/protocol'
import type { Message, SseEvent } from '@mcp-router/protocol'
import { discard, isEventStream, post, sessionHeaders } from '@mcp-router/upstream'
import type { HttpAnswer } from '@mcp-router/upstream'
import type { Context } from './context.js'

/** How long an Endpoint may take for `initialize`, ms. */
const patienceMs = 60_000
/** How long it may keep the stream open behind its response, ms. */
const lingerMs = 250

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
    const chunks: Buffer[] = []

    const taker = (status: number, head: HttpAnswer['headers']) => {
      if (status !== 200 || !isEventStream({ headers: head })) return undefined
      const decoder = createSseDecoder((event) => {
        if (!isResponse(event)) return
        resolve({ status, headers: head, body: Buffer.concat(chunks) })
        setTimeout(() => posting.abort(new Error('the response is complete')), lingerMs)
      })
      return (chunk: Buffer): void => {
        chunks.push(chunk)
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
    const reason = 'initialize was not answered'
    const late = new RouterError('UPSTREAM_FAILED', { backend: opener.backend, reason })
    const tooLong = setTimeout(() => posting.abort(late), patienceMs)
    discard(posting.answer.finally(() => clearTimeout(tooLong)))
    posting.answer.then(
      (answer) => resolve(chunks.length > 0 ? { ...answer, body: Buffer.concat(chunks) } : answer),
      reject,
    )
  })

const isResponse = (event: SseEvent): boolean =>
  event.event === 'message' && event.data.length > 0 && scanMessage(event.data).kind === 'response'

/** readOpening is the InitializeResult in an answer; undefined: it was refused. It blames the Endpoint, not the client, for an answer that is no message. */
export const readOpening = (
  backend: string,
  answer: HttpAnswer,
): ReturnType<typeof initializeResult> => {
  try {
    return initializeResult(answer)
  } catch (error) {
    if (!(error instanceof MalformedMessage)) throw error
    throw new RouterError('UPSTREAM_BAD_ANSWER', { backend, reason: error.message }, error)
  }
}

const initializeResult = (answer: HttpAnswer): Readonly<Record<string, unknown>> | undefined => {
  if (answer.status !== 200) return undefined
  let result: Readonly<Record<string, unknown>> | undefined
  const read = (bytes: Buffer): void => {
    const message = scanMessage(bytes)
    if (message.kind === 'response') result = resultOf(message)
  }
  if (!isEventStream(answer)) read(answer.body)
  else {
    createSseDecoder((event) => {
      if (event.event === 'message' && event.data.length > 0) read(event.data)
    }).push(answer.body)
  }
  return result
}
