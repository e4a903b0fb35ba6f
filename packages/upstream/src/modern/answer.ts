import { isRecord, modernRevisions, parseExact } from '@mcp-router/protocol'
import type { Message } from '@mcp-router/protocol'

type Json = Readonly<Record<string, unknown>>

/** Answer is the inside of a response: one of the two, or none where the response is malformed, or no JSON past its envelope. */
export interface Answer {
  readonly result?: Json
  readonly error?: Json
}

/** answerOf parses a response, so that what is handed on of it keeps its spelling. One that is nested too deep is malformed. */
export const answerOf = (message: Message): Answer => {
  const value = parsed(message)
  if (!isRecord(value)) return {}
  if (isRecord(value['result'])) return { result: value['result'] }
  return isRecord(value['error']) ? { error: value['error'] } : {}
}

const parsed = (message: Message): unknown => {
  try {
    return parseExact(message.bytes)
  } catch {
    return undefined
  }
}

/** namesModern tells of a refused `initialize` that its server says itself that it is modern. */
export const namesModern = (refusal: Message): boolean => {
  const data = answerOf(refusal).error?.['data']
  const supported = isRecord(data) ? data['supported'] : undefined
  return Array.isArray(supported) && supported.some(isServed)
}

const isServed = (revision: unknown): boolean =>
  modernRevisions.some((served) => served === revision)
