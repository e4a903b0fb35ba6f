import {
  metaKeys,
  modernRequestHeaders,
  modernRevisions,
  requestBytes,
  scanMessage,
} from '@mcp-router/protocol'
import { BadAnswer } from '../http/bad-answer.js'
import { answerOf } from './answer.js'
import type { ModernCall, ModernChannel, ModernListener } from './channel.js'

/** ModernRequest is a request of the router's own making; `params` has its envelope. */
export interface ModernRequest {
  readonly method: string
  readonly params: Readonly<Record<string, unknown>>
  /** `Mcp-Param-*`, flat. */
  readonly headers?: readonly string[]
}

/** Ids are unique among all requests of this process: a retry must have another one than what it repeats. */
let sent = 0

/** sendModern sends a request under an id of its own, with the headers that mirror it. */
export const sendModern = (
  channel: ModernChannel,
  { method, params, headers = [] }: ModernRequest,
  listener: ModernListener,
): ModernCall => {
  const message = scanMessage(requestBytes(++sent, method, params))
  const meta = (params['_meta'] ?? {}) as Readonly<Record<string, unknown>> // written by modernParams
  const claim = { revision: meta[metaKeys.protocolVersion] ?? modernRevisions[0], meta, params }
  return channel.request(message, modernRequestHeaders(message, claim, headers), listener)
}

/** askModern sends a request and resolves with its result; notifications pass unheard. It rejects with ModernError, BadAnswer or NotAnswered, or as its channel fails. */
export const askModern = (
  channel: ModernChannel,
  request: ModernRequest,
  waitMs: number,
): Promise<Readonly<Record<string, unknown>>> =>
  new Promise((resolve, reject) => {
    const call = sendModern(channel, request, {
      onNotification: () => undefined,
      onResponse(message) {
        clearTimeout(tooLong)
        const { result, error } = answerOf(message)
        if (result && (result['resultType'] ?? 'complete') === 'complete') resolve(result)
        else if (error) reject(new ModernError(request.method, error))
        else reject(new BadAnswer(`${kindOf(result)} as the answer to ${request.method}`))
      },
      onFailed(error) {
        clearTimeout(tooLong)
        reject(error)
      },
    })
    const tooLong = setTimeout(() => {
      call.abort(true)
      reject(new NotAnswered(request.method))
    }, waitMs)
  })

const kindOf = (result: Readonly<Record<string, unknown>> | undefined): string =>
  result ? `the resultType "${String(result['resultType'])}"` : 'a response without result'

/** ModernError is an error that a server answered with. */
export class ModernError extends Error {
  readonly error: Readonly<Record<string, unknown>>

  constructor(method: string, error: Readonly<Record<string, unknown>>) {
    const { message } = error
    super(`${method} was refused: ${typeof message === 'string' ? message : 'without a reason'}`)
    this.name = 'ModernError'
    this.error = error
  }
}

/** NotAnswered: the server had its time. */
export class NotAnswered extends Error {
  constructor(method: string) {
    super(`${method} was not answered`)
    this.name = 'NotAnswered'
  }
}
