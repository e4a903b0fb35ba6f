import type { ServerResponse } from 'node:http'
import { openEndpoint } from './endpoint.js'
import type { TestEndpoint } from './endpoint.js'
import { respond } from './http.js'
import type { Asked } from './http.js'

type Json = Record<string, unknown>

/** AskerCall is one request that an Asker works on, answered by a stream. */
export interface AskerCall {
  readonly session: string
  readonly method: string
  readonly params: Json
  /** Asks the client, under this id; resolves with the response that it posts. */
  ask(method: string, params?: Json, id?: string): Promise<Json>
  say(method: string, params?: Json): void
  end(result: Json): void
  refuse(code: number, data?: Json): void
  /** Resolves once the other side is gone before the end. */
  readonly left: Promise<void>
}

export interface Asker extends TestEndpoint {
  readonly calls: readonly AskerCall[]
  /** Notifies on every stream outside of calls, or asks there under this id. */
  tell(method: string, params?: Json, id?: string): void
  streams(): number
}

/**
 * openAsker is a Streamable HTTP server with sessions that asks its client: `work` does each request, on a stream of its own. It lists
 * `tools` and answers `ping` by itself.
 */
export const openAsker = async (
  work: (call: AskerCall) => void | Promise<void>,
  capabilities: object = {},
  tools: readonly object[] = [],
): Promise<Asker> => {
  const calls: AskerCall[] = []
  const waiting = new Map<unknown, (response: Json) => void>()
  const open = new Set<ServerResponse>()
  let questions = 0

  const begin = (res: ServerResponse): void => {
    res.writeHead(200, { 'content-type': 'text/event-stream' })
    res.flushHeaders()
  }
  const write = (res: ServerResponse, message: Json): void =>
    void res.write(`event: message\ndata: ${JSON.stringify({ jsonrpc: '2.0', ...message })}\n\n`)

  const take = (asked: Asked): void => {
    const { method, headers, message, res } = asked
    if (method === 'GET') {
      begin(res)
      open.add(res)
      res.on('close', () => open.delete(res))
      return
    }
    if (!message.method) {
      res.writeHead(202).end()
      waiting.get(message.id)?.(message)
      return
    }
    const { id } = message
    if (message.method === 'tools/list' || message.method === 'ping') {
      respond(asked, message.method === 'ping' ? {} : { tools })
      return
    }
    begin(res)
    const finish = (last: Json): void => {
      write(res, { id, ...last })
      res.end()
    }
    const call: AskerCall = {
      session: String(headers['mcp-session-id']),
      method: message.method,
      params: message.params ?? {},
      ask: (what, params, question = `q-${++questions}`) =>
        new Promise((resolve) => {
          waiting.set(question, resolve)
          write(res, { id: question, method: what, ...(params && { params }) })
        }),
      say: (what, params) => write(res, { method: what, params }),
      end: (result) => finish({ result }),
      refuse: (code, data) => finish({ error: { code, message: 'no', ...(data && { data }) } }),
      left: new Promise((resolve) => res.on('close', () => !res.writableEnded && resolve())),
    }
    calls.push(call)
    void work(call)
  }
  const endpoint = await openEndpoint(take, { capabilities })
  return {
    ...endpoint,
    calls,
    tell: (method, params, id) =>
      open.forEach((res) => write(res, { id, method, ...(params && { params }) })),
    streams: () => open.size,
  }
}
