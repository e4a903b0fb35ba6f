import {
  insertIntoResult,
  isRecord,
  modernError,
  modernResult,
  resultBytes,
} from '@mcp-router/protocol'
import type { ModernReply } from './reply.js'

type Json = Readonly<Record<string, unknown>>

/** How long a client may keep what a server with sessions lists: it did not say, so not at all; and it may be for this client alone. */
export const cache = { ttlMs: 0, cacheScope: 'private' } as const

/** Results that must be written anew. All others may pass with one member more: a tool may answer with megabytes. */
const rewritten = /^(?:tools\/list|prompts\/list|resources\/|server\/)/
const parseLimitBytes = 16 * 1024

/** answerModern gives a modern client the response of a server with sessions. `bytes` has the client's id. */
export const answerModern = (
  reply: ModernReply,
  method: string,
  bytes: Buffer,
  serverInfo: Json | undefined,
): void => {
  const extended =
    bytes.length > parseLimitBytes && !rewritten.test(method)
      ? insertIntoResult({ bytes }, '"resultType":"complete"')
      : undefined
  if (extended) {
    reply.answer(extended)
    return
  }
  const { result, error } = readAnswer(bytes)
  if (result) {
    const told = modernResult(method, result, cache, serverInfo)
    reply.answer(resultBytes(reply.incoming.id, told))
    return
  }
  const { code, message, data } = modernError(error ?? { code: -32603, message: 'no answer' })
  reply.refuse(Number(code), String(message), isRecord(data) ? data : undefined)
}

/** readAnswer parses a response: one of the two, or none where it is malformed. */
export const readAnswer = (bytes: Buffer): { readonly result?: Json; readonly error?: Json } => {
  const value: unknown = JSON.parse(bytes.toString('utf8'))
  if (!isRecord(value)) return {}
  if (isRecord(value['result'])) return { result: value['result'] }
  return isRecord(value['error']) ? { error: value['error'] } : {}
}
