import { withoutMark } from './byte-order-mark.js'
import { parseExact } from './exact-json.js'
import { MalformedMessage, MalformedResponse } from './malformed.js'
import { Members } from './members.js'
import { namedMember } from './modern/name.js'
import { findId, requireShallow, scanEnvelope, scanMembers, scanUnique, textOf } from './scan.js'
import type { EnvelopeScan, Span } from './scan.js'

/** Message is one JSON-RPC message: its bytes as they came, and what routing needs to know of them. */
export interface Message {
  readonly bytes: Buffer
  readonly kind: 'request' | 'notification' | 'response'
  /** The id as canonical JSON text (`1`, `"1"`), so that its type is kept; empty for a notification. */
  readonly id: string
  /** Empty for a response. */
  readonly method: string
  /** Where the id stands in the bytes, when it was scanned. */
  readonly idSpan?: Span | undefined
  /** Where the params stand in the bytes, when they were scanned. */
  readonly paramsSpan?: Span | undefined
  /** Where the error of a response stands in the bytes, when it was scanned and has one. */
  readonly errorSpan?: Span | undefined
  /** Where the name of the tool, prompt, resource or task stands, when it was scanned and has one. */
  readonly nameSpan?: Span | undefined
}

/**
 * scanMessage reads the envelope of a message without parsing what is inside its values: whoever
 * takes the message does that, and pays for it. A byte order mark is skipped. It throws
 * MalformedMessage, also for JSON that nests too deep to be parsed, and for members that two parsers
 * could read differently.
 */
export const scanMessage = (given: Buffer): Message => {
  const bytes = withoutMark(given)
  const scan = readEnvelope(bytes)
  if (!scan) throw notAnObject(bytes)
  const id = scan.id ? idIn(bytes, scan.id) : ''
  if (!scan.jsonrpc || !isVersion(bytes, scan.jsonrpc)) throw invalid(wrongVersion, id)
  if (scan.id && !id) throw invalid(wrongId)
  if (scan.method) {
    const method = stringIn(bytes, scan.method)
    if (typeof method !== 'string') throw invalid(wrongMethod, id)
    if (id === 'null') throw invalid(wrongId)
    const kind = id ? 'request' : 'notification'
    const nameSpan = scanName(bytes, method, scan, id)
    return { bytes, kind, id, method, idSpan: scan.id, paramsSpan: scan.params, nameSpan }
  }
  if (!id || !(scan.result || scan.error)) throw invalid(wrongShape, id)
  const fault = responseFault(bytes, scan)
  if (fault) throw new MalformedResponse(fault, id)
  return { bytes, kind: 'response', id, method: '', idSpan: scan.id, errorSpan: scan.error }
}

/**
 * refusedIdOf is the id, as JSON text, under which a request that scanMessage throws for is refused: as it came, of whatever type. `null` where
 * it cannot be repeated; undefined: it is no request.
 */
export const refusedIdOf = (given: Buffer): string | undefined => {
  const bytes = withoutMark(given)
  const scan = envelopeIn(bytes)
  if (!scan?.jsonrpc || !scan.id || !scan.method || !isVersion(bytes, scan.jsonrpc))
    return undefined
  const id = textOf(bytes, scan.id)
  const isRepeatable = id.length <= longestRefusedId && parseText(id) !== undefined
  return isRepeatable ? id : 'null'
}

const longestRefusedId = 1_000

const envelopeIn = (bytes: Buffer): EnvelopeScan | undefined => {
  try {
    return scanEnvelope(bytes)
  } catch {
    return undefined
  }
}

/**
 * responseFault is the one judge of what a response may hold (JSON-RPC 2.0 §5, MCP: a result is an object). Official clients drop
 * anything else as no message, and wait on. What `data` of an error is, nobody checks.
 */
const responseFault = (bytes: Buffer, { result, error }: EnvelopeScan): string | undefined => {
  if (result && error) return 'a response holds either a result or an error, never both'
  if (result) return bytes[result.start] === openBrace ? undefined : 'a result must be an object'
  const found = error && scanMembers(bytes, error, errorMembers)
  if (!found) return 'an error must be an object'
  const { code, message } = found
  if (!code || !Number.isSafeInteger(parseText(textOf(bytes, code))))
    return 'the "code" of an error must be an integer'
  return message && bytes[message.start] === quote
    ? undefined
    : 'the "message" of an error must be a string'
}

const errorMembers = new Members('code', 'message')
const quote = 0x22
const openBrace = 0x7b

const readEnvelope = (bytes: Buffer): EnvelopeScan | undefined => {
  try {
    return scanEnvelope(bytes)
  } catch (error) {
    const span = findId(bytes)
    throw withId(error, span ? canonicalId(textOf(bytes, span)) : '')
  }
}

const withId = (error: unknown, id: string): unknown =>
  error instanceof MalformedMessage ? new MalformedMessage(error.kind, error.message, id) : error

/** scanName finds what a call names. Who may call it is decided by that, so it must be read in one way only. */
const scanName = (
  bytes: Buffer,
  method: string,
  { params }: EnvelopeScan,
  id: string,
): Span | undefined => {
  if (!params) return undefined
  const member = namedMember(method)
  const wanted = member === undefined ? metaOnly : (paramMembers.get(member) ?? metaOnly)
  try {
    const found = scanUnique(bytes, params, wanted)
    return member === undefined ? undefined : found?.[member]
  } catch (error) {
    throw withId(error, id)
  }
}

const metaOnly = new Members('_meta')
const paramMembers: ReadonlyMap<string, Members> = new Map(
  ['name', 'uri', 'taskId'].map((member) => [member, new Members(member, 'arguments', '_meta')]),
)

/** parseJson parses JSON that was not scanned. It throws MalformedMessage, also where it nests too deep. */
export const parseJson = (given: Buffer): unknown => {
  const bytes = withoutMark(given)
  requireShallow(bytes)
  return parseBytes(bytes)
}

/** cancelledId is the id (canonical JSON text) that a notification of cancellation names; empty where it names none. */
export const cancelledId = ({ bytes, paramsSpan }: Message): string => {
  const span = paramsSpan && scanMembers(bytes, paramsSpan, requestId)?.['requestId']
  return span ? canonicalId(textOf(bytes, span)) : ''
}

const requestId = new Members('requestId')

/** requireValid checks the whole JSON of a message: for Transports where bad JSON would never be answered, and to explain a refusal. */
export const requireValid = (message: Message): void => void parseBytes(message.bytes)

/** paramsOf parses the params of a message; undefined where it has none. Not for the hot path. */
export const paramsOf = (message: Message): Readonly<Record<string, unknown>> | undefined => {
  const value = parseBytes(message.bytes)
  if (typeof value !== 'object' || value === null || !('params' in value)) return undefined
  const { params } = value
  return isRecord(params) ? params : undefined
}

/** exactParamsOf does so for whoever writes them again: what is handed on keeps its spelling (parseExact). */
export const exactParamsOf = (message: Message): Readonly<Record<string, unknown>> | undefined => {
  const value = exactly(message.bytes)
  return isRecord(value) && isRecord(value['params']) ? value['params'] : undefined
}

/** resultOf parses the result of a response; undefined for an error. Not for the hot path. */
export const resultOf = (message: Message): Readonly<Record<string, unknown>> | undefined => {
  const value = parseBytes(message.bytes)
  if (typeof value !== 'object' || value === null || !('result' in value)) return undefined
  return isRecord(value.result) ? value.result : undefined
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** canonicalId makes equal ids equal text: `1.0` is `1`, `"\u0061"` is `"a"`. Empty: not an id. */
export const canonicalId = (raw: string): string => {
  if (/^(0|-?[1-9]\d{0,14})$/.test(raw) || raw === 'null') return raw
  const value = parseText(raw)
  if (typeof value === 'string') return JSON.stringify(value)
  if (typeof value !== 'number' || !Number.isInteger(value)) return ''
  return Number.isSafeInteger(value) ? String(value) : raw
}

/** The usual id is a small number. */
const longestPlainId = 9
const zero = 0x30
const nine = 0x39

const idIn = (bytes: Buffer, span: Span): string => {
  const length = span.end - span.start
  if (length > longestPlainId || (bytes[span.start] === zero && length > 1))
    return canonicalId(textOf(bytes, span))
  let value = 0
  for (let at = span.start; at < span.end; at++) {
    const byte = bytes[at] ?? 0
    if (byte < zero || byte > nine) return canonicalId(textOf(bytes, span))
    value = value * 10 + byte - zero
  }
  return String(value)
}

const version = Buffer.from('"2.0"')

const isVersion = (bytes: Buffer, { start, end }: Span): boolean =>
  bytes.compare(version, 0, version.length, start, end) === 0 ||
  parseText(textOf(bytes, { start, end })) === '2.0'

const backslash = 0x5c
const space = 0x20

/** stringIn is the string that stands in a span; anything else where none does. */
const stringIn = (bytes: Buffer, span: Span): unknown => {
  for (let at = span.start; at < span.end; at++) {
    const byte = bytes[at] ?? 0
    if (byte === backslash || byte < space) return parseText(textOf(bytes, span))
  }
  return bytes[span.start] === quote
    ? bytes.toString('utf8', span.start + 1, span.end - 1)
    : parseText(textOf(bytes, span))
}

const parseText = (text: string): unknown => {
  try {
    return JSON.parse(text) as unknown
  } catch {
    return undefined
  }
}

const parseBytes = (bytes: Buffer): unknown => {
  try {
    return JSON.parse(bytes.toString('utf8')) as unknown
  } catch (cause) {
    throw new MalformedMessage('not-json', 'the body is not valid JSON', '', cause)
  }
}

const exactly = (bytes: Buffer): unknown => {
  try {
    return parseExact(bytes)
  } catch (cause) {
    const isDeep = cause instanceof RangeError
    const reason = isDeep ? 'the JSON is nested too deep' : 'the body is not valid JSON'
    throw new MalformedMessage(isDeep ? 'not-jsonrpc' : 'not-json', reason, '', cause)
  }
}

const notAnObject = (bytes: Buffer): MalformedMessage => {
  const value = parseJson(bytes)
  return Array.isArray(value) ? new MalformedMessage('batch', noBatch) : invalid(wrongShape)
}

const invalid = (reason: string, id = ''): MalformedMessage =>
  new MalformedMessage('not-jsonrpc', reason, id)

const wrongShape = 'send one JSON-RPC 2.0 request, notification or response object'
const wrongVersion = 'the member "jsonrpc" must be "2.0"'
const wrongMethod = 'the member "method" must be a string'
const wrongId = 'the member "id" must be a string or an integer'
const noBatch = 'batches were removed in revision 2025-06-18; send one message per POST'
