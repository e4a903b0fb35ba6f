import { ask, bearer } from '../http.js'
import { Failure } from '../failure.js'

/** RpcAnswer is the answer to a message sent over Streamable HTTP. */
export interface RpcAnswer {
  readonly status: number
  readonly session: string | undefined
  /** The member `result`; undefined where there is none. */
  readonly result: unknown
  readonly body: string
}

export interface RpcRequest {
  readonly url: string
  readonly token: string | undefined
  readonly session?: string
  readonly method: string
  readonly params?: object
  /** Without an id it is a notification. */
  readonly id?: number
}

const timeoutMs = 20_000

/**
 * rpc sends one JSON-RPC message and reads its answer, JSON or a stream of events. It throws
 * Failure when nothing answers.
 */
export const rpc = async (request: RpcRequest): Promise<RpcAnswer> => {
  const { url, token, session, method, params, id } = request
  const answer = await ask(url, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
      ...bearer(token),
      ...sessionHeader(session),
    },
    body: JSON.stringify({ jsonrpc: '2.0', method, params, id }),
    timeoutMs,
  })
  if ('failed' in answer) throw new Failure(`${url}: ${answer.failed}`)
  const given = answer.headers.get('mcp-session-id') ?? undefined
  return { status: answer.status, session: given, result: resultIn(answer.body), body: answer.body }
}

export const sessionHeader = (session: string | undefined): Readonly<Record<string, string>> =>
  session === undefined ? {} : { 'mcp-session-id': session }

const resultIn = (body: string): unknown => {
  const dataLines = body.split(/\r?\n/).filter((line) => line.startsWith('data:'))
  const texts = dataLines.length > 0 ? dataLines.map((line) => line.slice(5)) : [body]
  return texts.map(resultOf).find((result) => result !== undefined)
}

const resultOf = (text: string): unknown => {
  try {
    const message = JSON.parse(text) as { result?: unknown } | null
    return message?.result
  } catch {
    return undefined
  }
}
