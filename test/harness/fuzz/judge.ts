import { JSONRPCMessageSchema } from '@modelcontextprotocol/sdk/types.js'
import { messagesIn } from '../sse-messages.js'
import type { Heard } from './exchange.js'
import type { Sent } from './request.js'

/** What the router says of a fault of its own; servers behind it may have the code, too. */
const internal = /^Internal error: see the log/

/** faultsOf says what is wrong with an answer, whatever was asked. */
export const faultsOf = (sent: Sent, heard: Heard): readonly string[] => {
  const { status, text } = heard
  const faults = status >= 500 ? [`status ${status}`] : []
  if (text === '') return faults
  const isStream = heard.type.startsWith('text/event-stream')
  const messages = (isStream ? messagesIn(text) : [text]).map(parsed).flat()
  for (const message of messages) {
    if (!isObject(message) || !isJsonRpc(message)) faults.push('what is no JSON-RPC')
    else if ('method' in message) continue
    else if (internal.test(errorText(message))) faults.push('an internal error')
    else if (!isEcho(message['id'], sent.body, status)) faults.push('an id that was not sent')
  }
  return faults
}

const errorText = ({ error }: Json): string => (isObject(error) ? String(error['message']) : '')

type Json = Readonly<Record<string, unknown>>

const isObject = (value: unknown): value is Json => typeof value === 'object' && value !== null

/**
 * Where no id could be read, JSON-RPC 2.0 wants null and the schema of MCP none at all. A number that is no safe integer is an id to
 * JSON-RPC but not to MCP: whoever sends one gets it back.
 */
const isJsonRpc = (message: Json): boolean => {
  const { id, ...rest } = message
  if (id === null && 'error' in message) return JSONRPCMessageSchema.safeParse(rest).success
  const isOdd = typeof id === 'number' && !Number.isSafeInteger(id)
  return JSONRPCMessageSchema.safeParse(isOdd ? { ...rest, id: 0 } : message).success
}

/** A response has an id that was sent; a refusal may have none, where the id could not be read. */
const isEcho = (id: unknown, body: Buffer, status: number): boolean => {
  const sent = parsed(body.toString())
  if (id === null || id === undefined) return status >= 400
  if (sent === undefined) return isIn(body.toString(), id)
  const all: readonly unknown[] = Array.isArray(sent) ? sent : [sent]
  if (all.some((each) => isObject(each) && each['id'] === id)) return true
  // One that has several ids is refused under any of them; a parser knows the last one only.
  return status >= 400 && isIn(body.toString(), id)
}

/** isIn looks for an id in what is no JSON as a whole; a number may be written in several ways. */
const isIn = (text: string, id: unknown): boolean =>
  text.includes(JSON.stringify(id)) ||
  (text.match(/-?\d+(?:\.\d+)?(?:e[+-]?\d+)?/gi) ?? []).some((number) => Number(number) === id)

const parsed = (text: string): unknown => {
  try {
    return JSON.parse(text) as unknown
  } catch {
    return undefined
  }
}
