import { reasonOf, RouterError } from '@mcp-router/core'
import {
  errorBytes,
  isTooDeep,
  MalformedMessage,
  MalformedResponse,
  objectEnd,
  refusedIdOf,
  requireValid,
  scanMessage,
} from '@mcp-router/protocol'
import type { Message } from '@mcp-router/protocol'

/** So many objects of a line are looked at: a line of braces must not cost more. */
const maxObjects = 16

const openBrace = 0x7b

/**
 * messagesIn reads what a server wrote where one message belongs. What some libraries print to the
 * same place stands before or behind a message, or two messages share a line: those are found all the
 * same. A response that is none comes as the error that its call is told. Empty: there is none.
 */
export const messagesIn = (backend: string, bytes: Buffer): readonly Message[] => {
  const whole = messageOf(backend, bytes)
  return whole ? [whole] : objectsIn(bytes).flatMap((object) => messageOf(backend, object) ?? [])
}

const objectsIn = (bytes: Buffer): readonly Buffer[] => {
  const objects: Buffer[] = []
  let at = bytes.indexOf(openBrace)
  for (let looks = 0; at >= 0 && looks < maxObjects; looks++) {
    const end = objectEnd(bytes, at)
    if (end > 0) objects.push(bytes.subarray(at, end))
    at = bytes.indexOf(openBrace, end > 0 ? end : at + 1)
  }
  return objects
}

/**
 * refusalsIn are the errors for the requests in bytes in which messagesIn finds no message: whoever asked would wait in vain (JSON-RPC 2.0 §5.1).
 */
export const refusalsIn = (bytes: Buffer): readonly Message[] => {
  const whole = refusalOf(bytes)
  return whole ? [whole] : objectsIn(bytes).flatMap((object) => refusalOf(object) ?? [])
}

const refusalOf = (bytes: Buffer): Message | undefined => {
  const id = refusedIdOf(bytes)
  if (id === undefined) return undefined
  const { rpc, message } = new RouterError('INVALID_REQUEST', { reason: faultOf(bytes) })
  return { bytes: errorBytes(id, rpc, message), kind: 'response', id, method: '' }
}

const faultOf = (bytes: Buffer): string => {
  try {
    scanMessage(bytes)
    return ''
  } catch (error) {
    return reasonOf(error)
  }
}

/**
 * failedAnswer makes an error of a response that cannot be read, where it still says whose it is: that
 * call fails at once, and no other. Undefined: it does not.
 */
export const failedAnswer = (
  backend: string,
  bytes: Buffer,
  reason: string,
): Message | undefined => {
  const found = envelopeStart.exec(bytes.toString('latin1', 0, 4_096))
  return found?.[1] ? failed(backend, found[1], reason) : undefined
}

const failed = (backend: string, id: string, reason: string): Message => {
  const { rpc, message } = new RouterError('UPSTREAM_BAD_ANSWER', { backend, reason })
  return scanMessage(errorBytes(id, rpc, message))
}

/** Where a request has its id as well, a method follows; text inside of a result has its quotes escaped. */
const envelopeStart =
  /(?<!\\)"jsonrpc"\s*:\s*"2\.0"\s*,\s*"id"\s*:\s*("[^"\\]{1,200}"|\d{1,15})\s*,\s*"(?:result|error)"/

/** messageOf reads one message likewise; undefined: it is none. */
export const messageOf = (backend: string, bytes: Buffer): Message | undefined => {
  try {
    const message = scanMessage(bytes)
    const isBroken = message.kind === 'response' && !isValid(message)
    return isBroken ? failed(backend, message.id, 'a response that is not valid JSON') : message
  } catch (error) {
    if (error instanceof MalformedResponse) return failed(backend, error.id, error.message)
    if (error instanceof MalformedMessage) return undefined
    throw error
  }
}

/** What is broken inside is never answered where it goes on to a stream or a pipe. */
const isValid = (response: Message): boolean => {
  try {
    requireValid(response)
    return true
  } catch {
    return false
  }
}

/** isReadable tells that a message can be handed on whole: a scanned one is known by its envelope only, and may be nested too deep. */
export const isReadable = (message: Message): boolean => {
  try {
    requireValid(message)
    return !isTooDeep(message.bytes)
  } catch {
    return false
  }
}
