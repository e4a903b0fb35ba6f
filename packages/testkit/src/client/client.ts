import { request } from 'node:http'
import type { IncomingHttpHeaders, IncomingMessage } from 'node:http'
import { text } from 'node:stream/consumers'
import { createSseDecoder } from '@mcp-router/protocol'
import type { SseEvent } from '@mcp-router/protocol'
import { onTestFinished } from '../test/index.js'

export interface Question {
  readonly method?: string
  readonly headers?: Readonly<Record<string, string>>
  /** Sent as it is; anything but text as JSON. */
  readonly body?: unknown
  readonly signal?: AbortSignal
}

export interface Told {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly text: string
}

const posted = {
  'content-type': 'application/json',
  accept: 'application/json, text/event-stream',
}

/** begin resolves with the head of the answer; what was left open is cut when the test has finished. */
export const begin = (url: string, question: Question = {}): Promise<IncomingMessage> =>
  new Promise((resolve, reject) => {
    const { body, signal } = question
    const method = question.method ?? (body === undefined ? 'GET' : 'POST')
    const headers = { ...(method === 'POST' && posted), ...question.headers }
    const asking = request(url, { method, headers, agent: false, signal }, resolve)
    asking.on('error', reject)
    asking.end(body === undefined || typeof body === 'string' ? body : JSON.stringify(body))
    onTestFinished(() => void asking.destroy())
  })

export const ask = async (url: string, question?: Question): Promise<Told> => {
  const response = await begin(url, question)
  return {
    status: response.statusCode ?? 0,
    headers: response.headers,
    text: await text(response),
  }
}

export const jsonOf = ({ text: body }: Told): Record<string, unknown> =>
  JSON.parse(body) as Record<string, unknown>

/** aRequest is a request as a client writes it. */
export const aRequest = (id: unknown, method: string, params: object = {}) => ({
  jsonrpc: '2.0',
  id,
  method,
  params,
})

const client = { protocolVersion: '2025-06-18', capabilities: {}, clientInfo: { name: 'test' } }

/** initialize opens a session and returns the headers that its requests need. */
export const initialize = async (url: string, headers: Record<string, string> = {}) => {
  const told = await ask(url, { headers, body: aRequest(0, 'initialize', client) })
  const session = String(told.headers['mcp-session-id'])
  return { told, session, headers: { ...headers, 'mcp-session-id': session } }
}

/** Events are the events of a stream, in the order of their coming. */
export interface Events {
  readonly response: IncomingMessage
  next(): Promise<SseEvent>
  /** The next message, parsed. */
  message(): Promise<Record<string, unknown>>
}

export const follow = async (url: string, question: Question = {}): Promise<Events> => {
  const headers = { accept: 'text/event-stream', ...question.headers }
  const response = await begin(url, { ...question, headers })
  const came: SseEvent[] = []
  let wake = (): void => undefined
  const decoder = createSseDecoder((event) => {
    came.push(event)
    wake()
  })
  response.on('data', (chunk: Buffer) => decoder.push(chunk))
  // A stream that is cut is for the test to find out.
  response.on('error', () => undefined)
  const next = async (): Promise<SseEvent> => {
    for (;;) {
      const event = came.shift()
      if (event) return event
      await new Promise<void>((resolve) => (wake = resolve))
    }
  }
  return {
    response,
    next,
    async message() {
      let { data } = await next()
      while (data.length === 0) ({ data } = await next())
      return JSON.parse(data.toString()) as Record<string, unknown>
    },
  }
}
