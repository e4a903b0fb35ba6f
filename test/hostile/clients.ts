import { request as httpRequest } from 'node:http'
import type { Agent, IncomingMessage, OutgoingHttpHeaders } from 'node:http'
import { text } from 'node:stream/consumers'
import { openStream } from '../harness/event-stream.js'
import type { EventStream } from '../harness/event-stream.js'
import { jsonHeaders } from '../harness/http.js'
import { modernHeaders, modernRequest } from '../harness/modern.js'
import { initialized, request } from '../harness/rpc.js'
import { messagesIn } from '../harness/sse-messages.js'
import { until } from '../harness/until.js'
import type { Step } from './step.js'

/** Heard is all that a client heard. */
export interface Heard {
  readonly status: number
  readonly headers: string
  readonly body: string
  /** JSON-RPC, or what stands in its place. */
  readonly messages: readonly string[]
}

/** Asking is what a client is to send; an id makes it a request. */
export type Asking = Pick<Step, 'method' | 'params' | 'id'>

/** Client speaks with one server in one way; it rejects where there is no whole answer in time. */
export interface Client {
  send(asking: Asking): Promise<Heard>
  close(): Promise<void>
}

/** Line is the connection that the clients of one worker share, as users behind a proxy do. */
export interface Line {
  readonly base: string
  readonly boundMs: number
  readonly agent: Agent
}

export class Late extends Error {}

/** openClient opens a client of a kind; those with a session do the handshake. */
export const openClient = (
  kind: Step['client'],
  line: Line,
  server: string,
  opening?: Step['params'],
): Promise<Client> => {
  switch (kind) {
    case 'route':
      return Promise.resolve(
        stateless((asking) => send(line, `/mcp/router/route/${server}`, textOf(asking))),
      )
    case 'modern':
      return Promise.resolve(stateless((asking) => sendModern(line, server, asking)))
    case 'http':
      return openSession(line, server, opening)
    case 'sse':
      return openLegacy(line, server)
  }
}

const stateless = (send: Client['send']): Client => ({ send, close: () => Promise.resolve() })

const textOf = ({ id, method, params }: Asking): string =>
  JSON.stringify({ jsonrpc: '2.0', ...(id !== undefined && { id }), method, params })

const handshake = {
  protocolVersion: '2025-06-18',
  capabilities: {},
  clientInfo: { name: 'sound', version: '1' },
}

const sendModern = (line: Line, server: string, { id = 0, method, params }: Asking) => {
  const name = params['name'] ?? params['uri']
  const message = modernRequest(id, method, params) as { params: { _meta: object } }
  Object.assign(message.params._meta, params['_meta'])
  const headers = modernHeaders(method, typeof name === 'string' ? name : undefined)
  return send(line, `/mcp/${server}`, JSON.stringify(message), headers)
}

const openSession = async (
  line: Line,
  server: string,
  opening: Step['params'] = handshake,
): Promise<Client> => {
  const path = `/mcp/${server}`
  const opened = await send(line, path, request(0, 'initialize', opening))
  const session = /^mcp-session-id: (.*)$/m.exec(opened.headers)?.[1]
  if (session === undefined) throw new Refused(opened)
  const headers = { 'mcp-session-id': session, 'mcp-protocol-version': '2025-06-18' }
  await send(line, path, initialized, headers)
  return {
    send: (asking) => {
      if (asking.method === 'GET') return get(line, path, headers)
      return send(line, path, textOf(asking), asking.method === 'initialize' ? {} : headers)
    },
    async close() {
      await exchange(line, path, { method: 'DELETE', headers })
    },
  }
}

/** Refused: a server whose handshake is odd has no session. */
export class Refused extends Error {
  readonly heard: Heard
  constructor(heard: Heard) {
    super(`no session: ${heard.status} ${heard.body.slice(0, 300)}`)
    this.heard = heard
  }
}

const openLegacy = async (line: Line, server: string): Promise<Client> => {
  const stream = await openStream(`${line.base}/sse/${server}`)
  const refused = (): Refused => new Refused({ ...nothing, status: stream.status })
  if (stream.status !== 200) {
    stream.close()
    throw refused()
  }
  const address = await until('the endpoint', () => stream.events[0]?.data, line.boundMs)
  const client = legacyOver(line, stream, address)
  try {
    await client.send({ id: 'open', method: 'initialize', params: handshake })
    await client.send({ id: undefined, method: 'notifications/initialized', params: {} })
    return client
  } catch (error) {
    stream.close()
    throw error
  }
}

const nothing: Heard = { status: 0, headers: '', body: '', messages: [] }

const legacyOver = (line: Line, stream: EventStream, address: string): Client => ({
  async send(asking) {
    const from = stream.messages().length
    const { pathname, search } = new URL(address, line.base)
    const posted = await send(line, pathname + search, textOf(asking))
    if (asking.id === undefined || posted.status !== 202) return posted
    const own = (): readonly string[] =>
      stream
        .messages()
        .slice(from)
        .filter((each) => isResponseTo(each, asking.id))
    await until(
      'an answer',
      () => own().length > 0 || stream.state() !== 'open',
      line.boundMs,
    ).catch(() => {
      throw new Late(`no answer on the stream within ${line.boundMs} ms`)
    })
    const messages = stream.messages().slice(from)
    return { ...posted, status: 200, body: messages.join('\n'), messages }
  },
  close() {
    stream.close()
    return Promise.resolve()
  },
})

/** isResponseTo tells a response with this id, whatever else is odd about it. */
export const isResponseTo = (text: string, id: Step['id']): boolean => {
  try {
    const message = JSON.parse(text) as { readonly id?: unknown; readonly method?: unknown } | null
    return message?.method === undefined && message?.id === id
  } catch {
    return false
  }
}

const send = (line: Line, path: string, body: string, headers: OutgoingHttpHeaders = {}) =>
  exchange(line, path, { method: 'POST', headers: { ...jsonHeaders, ...headers }, body })

interface Sent {
  readonly method: string
  readonly headers: OutgoingHttpHeaders
  readonly body?: string
}

const exchange = (line: Line, path: string, sent: Sent): Promise<Heard> =>
  once(line, path, sent).catch((error: unknown) => {
    // The other side closed the connection at the moment when it was used again.
    if (error instanceof Stale) return once(line, path, sent)
    throw error
  })

class Stale extends Error {}

const once = ({ base, agent, boundMs }: Line, path: string, { method, headers, body }: Sent) =>
  new Promise<Heard>((resolve, reject) => {
    const sending = httpRequest(base + path, { method, headers, agent })
    const late = setTimeout(
      () => sending.destroy(new Late(`no whole answer within ${boundMs} ms`)),
      boundMs,
    )
    const failed = (error: NodeJS.ErrnoException): void => {
      clearTimeout(late)
      reject(sending.reusedSocket && error.code === 'ECONNRESET' ? new Stale() : error)
    }
    sending.on('error', failed)
    sending.on('response', (response) => {
      text(response).then((body) => {
        clearTimeout(late)
        resolve(heardIn(response, body))
      }, failed)
    })
    if (body !== undefined) sending.setHeader('content-length', Buffer.byteLength(body))
    sending.end(body)
  })

const heardIn = (response: IncomingMessage, body: string): Heard => {
  const isStream = response.headers['content-type']?.startsWith('text/event-stream') ?? false
  const headers = Object.entries(response.headers).map(
    ([name, value]) => `${name}: ${String(value)}`,
  )
  const messages = isStream ? messagesIn(body) : body === '' ? [] : [body]
  return { status: response.statusCode ?? 0, headers: headers.join('\n'), body, messages }
}

/** Nobody waits for the end of a standing stream. */
const streamMs = 500

/** get opens the standing stream and hears what comes within a moment. */
const get = async (line: Line, path: string, headers: OutgoingHttpHeaders): Promise<Heard> => {
  const stream = await openStream(line.base + path, { headers })
  await until('the end of the stream', () => stream.state() !== 'open', streamMs).catch(() => 0)
  stream.close()
  return { ...nothing, status: stream.status, messages: stream.messages() }
}
