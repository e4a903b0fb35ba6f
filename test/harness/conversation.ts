import type { OutgoingHttpHeaders } from 'node:http'
import { until } from '@mcp-router/testkit/wait'
import { openStream } from './event-stream.js'
import type { EventStream } from './event-stream.js'
import { ask, post } from './http.js'
import type { Answer } from './http.js'
import { initialize, initialized } from './rpc.js'

/** Downstream is one of the three ways to speak with the router. */
export type Downstream = 'call' | 'http' | 'sse'
export const downstreams: readonly Downstream[] = ['call', 'http', 'sse']

/** Conversation is a raw client: what it sends is sent byte by byte, what it hears is text. */
export interface Conversation {
  readonly downstream: Downstream
  /** Where messages are posted. */
  readonly url: string
  /** Sent with every POST: the session, the token. */
  readonly headers: OutgoingHttpHeaders
  /** Empty for `call`. */
  readonly session: string
  /** The stream of an `sse` client. */
  readonly stream: EventStream | undefined
  /** Posts bytes and resolves with the HTTP answer. */
  send(body: string | Buffer, headers?: OutgoingHttpHeaders): Promise<Answer>
  /** Posts a request and resolves with its response, wherever that comes. */
  ask(request: string, limitMs?: number): Promise<string>
  close(): Promise<void>
}

/** ConversationOptions: where a client speaks, and what it offers the server. */
export interface ConversationOptions {
  readonly base: string
  readonly backend: string
  readonly capabilities?: object
  readonly headers?: OutgoingHttpHeaders
}

/** converse opens a conversation and does the handshake. */
export const converse = (
  downstream: Downstream,
  options: ConversationOptions,
): Promise<Conversation> => {
  switch (downstream) {
    case 'call':
      return Promise.resolve(overCall(options))
    case 'http':
      return overHttp(options)
    case 'sse':
      return overSse(options)
  }
}

const overCall = ({ base, backend, headers = {} }: ConversationOptions): Conversation => {
  const url = `${base}/mcp/router/route/${backend}`
  const send: Conversation['send'] = (body, more) => post(url, body, { ...headers, ...more })
  return {
    downstream: 'call',
    url,
    headers,
    session: '',
    stream: undefined,
    send,
    ask: async (request) => (await send(request)).text,
    close: () => Promise.resolve(),
  }
}

const overHttp = async (options: ConversationOptions): Promise<Conversation> => {
  const url = `${options.base}/mcp/${options.backend}`
  const opened = await post(url, initialize('initialize', options.capabilities), options.headers)
  const session = opened.headers['mcp-session-id']
  if (typeof session !== 'string') throw new Error(`initialize: ${opened.status} ${opened.text}`)
  const headers = { ...options.headers, 'mcp-session-id': session }
  const send: Conversation['send'] = (body, more) => post(url, body, { ...headers, ...more })
  await send(initialized)
  return {
    downstream: 'http',
    url,
    headers,
    session,
    stream: undefined,
    send,
    async ask(request) {
      const answer = await send(request)
      const found = answer.messages().find((message) => isResponseTo(request, JSON.parse(message)))
      if (found === undefined) throw new Error(`no answer in ${answer.status} ${answer.text}`)
      return found
    },
    async close() {
      await ask(url, { method: 'DELETE', headers })
    },
  }
}

const overSse = async (options: ConversationOptions): Promise<Conversation> => {
  const { base, backend, headers = {} } = options
  const stream = await openStream(`${base}/sse/${backend}`, { headers })
  const address = await until('the endpoint event', () => stream.events[0]?.data)
  const url = new URL(address, base)
  const send: Conversation['send'] = (body, more) => post(url.href, body, { ...headers, ...more })
  const conversation: Conversation = {
    downstream: 'sse',
    url: url.href,
    headers,
    session: url.searchParams.get('sessionId') ?? '',
    stream,
    send,
    async ask(request, limitMs) {
      const from = stream.messages().length
      const accepted = await send(request)
      if (accepted.status !== 202) throw new Error(`${accepted.status} ${accepted.text}`)
      const options = { from, ...(limitMs !== undefined && { limitMs }) }
      return stream.message((message) => isResponseTo(request, message), options)
    },
    close() {
      stream.close()
      return Promise.resolve()
    },
  }
  await conversation.ask(initialize('initialize', options.capabilities))
  await send(initialized)
  return conversation
}

const isResponseTo = (request: string, message: unknown): boolean => {
  const { id } = JSON.parse(request) as { id: unknown }
  const answered = message as { id?: unknown; method?: unknown }
  return answered.method === undefined && answered.id === id
}
