import type { OutgoingHttpHeaders } from 'node:http'
import { setTimeout as wait } from 'node:timers/promises'
import { until } from '@mcp-router/testkit/wait'
import { jsonHeaders, post } from '../harness/http.js'
import type { Ask } from '../harness/http.js'
import { openStream } from '../harness/event-stream.js'
import type { EventStream } from '../harness/event-stream.js'
import { modernHeaders, modernRequest } from '../harness/modern.js'
import { initialized, request } from '../harness/rpc.js'
import { createAnswering } from './answering.js'
import { exchange, Late, nothing, send } from './exchange.js'
import type { Heard, Line } from './exchange.js'
import type { Step } from './step.js'

/** Asking is what a client is to send; an id makes it a request. */
export type Asking = Pick<Step, 'method' | 'params' | 'id'>

/** Client speaks with one server in one way; it rejects where there is no whole answer in time. */
export interface Client {
  send(asking: Asking): Promise<Heard>
  close(): Promise<void>
}

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
  const slow = { ...line, boundMs: line.openMs }
  const opened = await send(slow, path, request(0, 'initialize', opening))
  const session = /^mcp-session-id: (.*)$/m.exec(opened.headers)?.[1]
  if (session === undefined) throw new Refused(opened)
  const headers = { 'mcp-session-id': session, 'mcp-protocol-version': '2025-06-18' }
  await send(line, path, initialized, headers)
  const answer = createAnswering((body) => post(line.base + path, body, headers))
  return {
    send(asking) {
      if (asking.method === 'GET') return get(line, path, headers, answer)
      if (asking.method === 'initialize') return send(slow, path, textOf(asking))
      const all = { ...jsonHeaders, ...headers }
      return exchange(line, path, {
        method: 'POST',
        headers: all,
        body: textOf(asking),
        hear: answer,
      })
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
  const stream = await openInTime(line.openMs, `${line.base}/sse/${server}`)
  const refused = (): Refused => new Refused({ ...nothing, status: stream.status })
  if (stream.status !== 200) {
    stream.close()
    throw refused()
  }
  const slow = { ...line, boundMs: line.openMs }
  const address = await until('the endpoint', () => stream.events[0]?.data, slow.boundMs)
  const client = legacyOver(line, stream, address)
  try {
    await legacyOver(slow, stream, address).send({
      id: 'open',
      method: 'initialize',
      params: handshake,
    })
    await client.send({ id: undefined, method: 'notifications/initialized', params: {} })
    return client
  } catch (error) {
    stream.close()
    throw error
  }
}

const legacyOver = (line: Line, stream: EventStream, address: string): Client => ({
  async send(asking) {
    const from = stream.messages().length
    const { pathname, search } = new URL(address, line.base)
    const answer = createAnswering((body) => post(line.base + pathname + search, body))
    let answered = from
    const answerAll = (): void => {
      for (const message of stream.messages().slice(answered)) {
        answered++
        answer(message)
      }
    }
    const posted = await send(line, pathname + search, textOf(asking))
    if (asking.id === undefined || posted.status !== 202) return posted
    const own = (): readonly string[] =>
      stream
        .messages()
        .slice(from)
        .filter((each) => isResponseTo(each, asking.id))
    await until(
      'an answer',
      () => {
        answerAll()
        return own().length > 0 || stream.state() !== 'open'
      },
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

/** Nobody waits for the end of a standing stream. */
const streamMs = 500

/** get opens the standing stream and hears what comes within a moment. */
const get = async (
  line: Line,
  path: string,
  headers: OutgoingHttpHeaders,
  answer: (message: string) => void,
): Promise<Heard> => {
  const stream = await openInTime(line.boundMs, line.base + path, { headers })
  await until('the end of the stream', () => stream.state() !== 'open', streamMs).catch(() => 0)
  stream.messages().forEach(answer)
  stream.close()
  return { ...nothing, status: stream.status, messages: stream.messages() }
}

/** openInTime opens a stream, or throws Late where its head does not come. */
const openInTime = async (boundMs: number, url: string, sent: Ask = {}): Promise<EventStream> => {
  const opening = openStream(url, sent)
  const bound = new AbortController()
  const late = wait(boundMs, undefined, { signal: bound.signal }).then(
    () => Promise.reject(new Late(`no stream within ${boundMs} ms`)),
    () => opening,
  )
  try {
    return await Promise.race([opening, late])
  } catch (error) {
    opening.then((stream) => stream.close()).catch(() => undefined)
    throw error
  } finally {
    bound.abort()
  }
}
