import { request as httpRequest } from 'node:http'
import type { Agent, IncomingMessage, OutgoingHttpHeaders } from 'node:http'
import { text } from 'node:stream/consumers'
import { createParser } from 'eventsource-parser'
import { jsonHeaders } from '../harness/http.js'
import { isMessage, messagesIn } from '../harness/sse-messages.js'

/** Heard is all that a client heard. */
export interface Heard {
  readonly status: number
  readonly headers: string
  readonly body: string
  /** JSON-RPC, or what stands in its place. */
  readonly messages: readonly string[]
}

/** nothing: no answer came, or none is meant. */
export const nothing: Heard = { status: 0, headers: '', body: '', messages: [] }

/** Line is the connection that the clients of one worker share, as users behind a proxy do. */
export interface Line {
  readonly base: string
  readonly boundMs: number
  /** For what opens a session: a handshake that is answered oddly may be tried several times. */
  readonly openMs: number
  readonly agent: Agent
}

export class Late extends Error {}

/** send posts a message and resolves with all that was answered. */
export const send = (line: Line, path: string, body: string, headers: OutgoingHttpHeaders = {}) =>
  exchange(line, path, { method: 'POST', headers: { ...jsonHeaders, ...headers }, body })

interface Sent {
  readonly method: string
  readonly headers: OutgoingHttpHeaders
  readonly body?: string
  /** Called with each message of a stream when it comes. */
  readonly hear?: (message: string) => void
}

/** exchange sends a request over the line, once more where its connection was closed at the moment of its use. */
export const exchange = (line: Line, path: string, sent: Sent): Promise<Heard> =>
  once(line, path, sent).catch((error: unknown) => {
    // The other side closed the connection at the moment when it was used again.
    if (error instanceof Stale) return once(line, path, sent)
    throw error
  })

class Stale extends Error {}

const once = ({ base, agent, boundMs }: Line, path: string, sent: Sent) =>
  new Promise<Heard>((resolve, reject) => {
    const { method, headers, body, hear } = sent
    const sending = httpRequest(base + path, { method, headers, agent })
    const late = setTimeout(
      () => sending.destroy(new Late(`no whole answer within ${boundMs} ms to ${shown(sent)}`)),
      boundMs,
    )
    const failed = (error: NodeJS.ErrnoException): void => {
      clearTimeout(late)
      reject(sending.reusedSocket && error.code === 'ECONNRESET' ? new Stale() : error)
    }
    sending.on('error', failed)
    sending.on('response', (response) => {
      if (hear && isStream(response)) {
        const parser = createParser({ onEvent: (event) => isMessage(event) && hear(event.data) })
        const decoder = new TextDecoder()
        response.on('data', (chunk: Buffer) => parser.feed(decoder.decode(chunk, { stream: true })))
      }
      text(response).then((body) => {
        clearTimeout(late)
        resolve(heardIn(response, body))
      }, failed)
    })
    if (body !== undefined) sending.setHeader('content-length', Buffer.byteLength(body))
    sending.end(body)
  })

/** A step has more than one request, the handshake of its session above all. */
const shown = ({ method, body = '' }: Sent): string => `${method} ${body.slice(0, 80)}`

const isStream = ({ headers }: IncomingMessage): boolean =>
  headers['content-type']?.startsWith('text/event-stream') ?? false

const heardIn = (response: IncomingMessage, body: string): Heard => {
  const headers = Object.entries(response.headers).map(
    ([name, value]) => `${name}: ${String(value)}`,
  )
  const messages = isStream(response) ? messagesIn(body) : body === '' ? [] : [body]
  return { status: response.statusCode ?? 0, headers: headers.join('\n'), body, messages }
}
