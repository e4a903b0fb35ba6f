import { RouterError } from '@mcp-router/core'
import {
  insertIntoResult,
  isRecord,
  isTooDeep,
  modernError,
  modernResult,
  resultBytes,
  scanMessage,
} from '@mcp-router/protocol'
import { answerOf } from '@mcp-router/upstream'
import type { ModernOutlet } from '../outlet/modern-outlet.js'

type Json = Readonly<Record<string, unknown>>

/** How long a client may keep what a server with sessions lists: it did not say, so not at all; and it may be for this client alone. */
export const cache = { ttlMs: 0, cacheScope: 'private' } as const

/** Results that must be written anew. All others may pass with one member more: a tool may answer with megabytes. */
const rewritten = /^(?:tools\/list|prompts\/list|resources\/|server\/)/
const parseLimitBytes = 16 * 1024

/** answerModern gives a modern client the response of a server with sessions. `bytes` has the client's id. */
export const answerModern = (
  reply: ModernOutlet,
  method: string,
  bytes: Buffer,
  serverInfo: Json | undefined,
): void => {
  const extended =
    bytes.length > parseLimitBytes && !rewritten.test(method) && !isTooDeep(bytes)
      ? insertIntoResult({ bytes }, '"resultType":"complete"')
      : undefined
  if (extended) {
    reply.answer(extended)
    return
  }
  const { result, error } = answerOf(scanMessage(bytes))
  if (result) {
    const translated = modernResult(method, result, cache, serverInfo)
    reply.answer(resultBytes(reply.incoming.id, translated))
    return
  }
  if (!error) {
    const reason = isTooDeep(bytes)
      ? 'a result that is nested too deep'
      : 'a response without result'
    const data = { backend: reply.incoming.backend, reason }
    reply.fail(new RouterError('UPSTREAM_BAD_ANSWER', data))
    return
  }
  if (error['code'] === urlElicitationRequired) {
    // The code is not of this era, and a client that can be sent to a URL was asked before it came to this.
    const data = { requiredCapabilities: { elicitation: { url: {} } } }
    reply.refuse(-32021, 'Missing required client capability: elicitation.url', data)
    return
  }
  const { code, message, data } = modernError(error)
  reply.refuse(Number(code), String(message), isRecord(data) ? data : undefined)
}

/** A server of 2025-11-25 needs the client to visit a URL first. */
const urlElicitationRequired = -32042
