import type { IncomingMessage, OutgoingHttpHeaders } from 'node:http'
import { until } from '@mcp-router/testkit/wait'
import { createParser } from 'eventsource-parser'
import type { EventSourceMessage } from 'eventsource-parser'
import { begin } from './http.js'
import type { Ask } from './http.js'
import { isMessage } from './sse-messages.js'

/** EventStream is an SSE response that a test listens to. */
export interface EventStream {
  readonly status: number
  readonly headers: IncomingMessage['headers']
  /** All events so far. */
  readonly events: readonly EventSourceMessage[]
  /** How many comments came so far. */
  comments(): number
  /** `open`, then `ended` where the other side ended it properly, or `broken`. */
  state(): 'open' | 'ended' | 'broken'
  /** The JSON-RPC messages so far, as text. */
  messages(): readonly string[]
  /** Resolves with the first message, `from` the nth on, that fits, waiting for it. */
  message(
    fits: Fits,
    options?: { readonly from?: number; readonly limitMs?: number },
  ): Promise<string>
  close(): void
}

/** Fits tells whether a message is the one that is waited for. */
// eslint-disable-next-line @typescript-eslint/no-explicit-any -- tests look into messages freely
type Fits = (message: any) => boolean

/** openStream sends a request and resolves once the head of its SSE answer is there. */
export const openStream = async (url: string, sent: Ask = {}): Promise<EventStream> => {
  const headers: OutgoingHttpHeaders = { accept: 'text/event-stream', ...sent.headers }
  const response = await begin(url, { ...sent, headers })
  const events: EventSourceMessage[] = []
  let comments = 0
  let state: 'open' | 'ended' | 'broken' = 'open'
  const parser = createParser({
    onEvent: (event) => events.push(event),
    onComment: () => comments++,
  })
  response.setEncoding('utf8')
  response.on('data', (chunk: string) => parser.feed(chunk))
  response.on('end', () => (state = 'ended'))
  response.on('error', () => (state = 'broken'))
  const messages = (): readonly string[] => events.filter(isMessage).map(({ data }) => data)
  return {
    status: response.statusCode ?? 0,
    headers: response.headers,
    events,
    comments: () => comments,
    state: () => state,
    messages,
    message: (fits, { from = 0, limitMs } = {}) =>
      until(
        'a message on the stream',
        () =>
          messages()
            .slice(from)
            .find((each) => fits(JSON.parse(each))),
        limitMs,
      ),
    close: () => response.destroy(),
  }
}
