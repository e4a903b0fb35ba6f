import { request } from 'node:http'
import type {
  ClientRequest,
  IncomingHttpHeaders,
  IncomingMessage,
  OutgoingHttpHeaders,
} from 'node:http'
import { text } from 'node:stream/consumers'
import { messagesIn } from './sse-messages.js'

/** Answer is a whole HTTP answer. */
export interface Answer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly text: string
  /** The body as JSON. */
  json(): any // eslint-disable-line @typescript-eslint/no-explicit-any -- tests look into it freely
  /** The JSON-RPC messages in the body, as text: one, or those of the events of a stream. */
  messages(): readonly string[]
}

/** Ask is what to send; `headers` stand above those that are there by themselves. */
export interface Ask {
  readonly method?: string
  readonly headers?: OutgoingHttpHeaders
  readonly body?: string | Buffer
}

/** ask sends one request on a connection of its own and resolves with the whole answer. */
export const ask = async (url: string, sent: Ask = {}): Promise<Answer> => {
  const response = await begin(url, sent)
  const body = await text(response)
  const isStream = response.headers['content-type']?.startsWith('text/event-stream') ?? false
  return {
    status: response.statusCode ?? 0,
    headers: response.headers,
    text: body,
    json: () => JSON.parse(body) as unknown,
    messages: () => (isStream ? messagesIn(body) : [body]),
  }
}

/** begin sends one request and resolves with the head of the answer. */
export const begin = (url: string, sent: Ask): Promise<IncomingMessage> =>
  new Promise((resolve, reject) => {
    dispatch(url, sent).once('response', resolve).once('error', reject)
  })

/** dispatch sends one request; who calls it listens for the answer, or leaves before. */
export const dispatch = (
  url: string,
  { method = 'GET', headers = {}, body }: Ask,
): ClientRequest => {
  const sending = request(url, { method, headers, agent: false })
  // The length is announced, as clients do; without it node sends in chunks.
  if (body !== undefined && headers['transfer-encoding'] === undefined)
    sending.setHeader('content-length', Buffer.byteLength(body))
  return sending.end(body)
}

/** jsonHeaders are those of a POST as the specification wants it. */
export const jsonHeaders = {
  'content-type': 'application/json',
  accept: 'application/json, text/event-stream',
} as const

/** post sends one JSON-RPC message. */
export const post = (
  url: string,
  body: string | Buffer | object,
  headers: OutgoingHttpHeaders = {},
): Promise<Answer> =>
  ask(url, {
    method: 'POST',
    headers: { ...jsonHeaders, ...headers },
    body: typeof body === 'string' || Buffer.isBuffer(body) ? body : JSON.stringify(body),
  })
