import { scanEnvelope, textOf } from './scan.js'
import type { Span } from './scan.js'

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
}

/**
 * MalformedMessage says why bytes are not a JSON-RPC message: `not-json` is -32700, `not-jsonrpc` is -32600 (JSON-RPC 2.0 §5.1). `batch` is
 * valid JSON, an array, of which nobody has looked at the members: -32600 as well, where batches are not taken.
 */
export class MalformedMessage extends Error {
  readonly kind: 'not-json' | 'not-jsonrpc' | 'batch'
  /** The id as JSON text where it could be read all the same, else empty. */
  readonly id: string

  constructor(kind: MalformedMessage['kind'], reason: string, id = '', cause?: unknown) {
    super(reason, cause === undefined ? undefined : { cause })
    this.name = 'MalformedMessage'
    this.kind = kind
    this.id = id
  }
}

/**
 * scanMessage reads the envelope of a message without parsing what is inside its values: whoever takes the message does that, and pays
 * for it. It throws MalformedMessage.
 */
export const scanMessage = (bytes: Buffer): Message => {
  const scan = scanEnvelope(bytes)
  if (!scan) throw notAnObject(bytes)
  const id = scan.id ? canonicalId(textOf(bytes, scan.id)) : ''
  if (!scan.jsonrpc || !isVersion(textOf(bytes, scan.jsonrpc))) throw invalid(wrongVersion, id)
  if (scan.id && !id) throw invalid(wrongId)
  if (scan.method) {
    const method = parseText(textOf(bytes, scan.method))
    if (typeof method !== 'string') throw invalid(wrongMethod, id)
    if (id === 'null') throw invalid(wrongId)
    const kind = id ? 'request' : 'notification'
    return { bytes, kind, id, method, idSpan: scan.id, paramsSpan: scan.params }
  }
  if (id && (scan.result || scan.error)) {
    return { bytes, kind: 'response', id, method: '', idSpan: scan.id }
  }
  throw invalid(wrongShape, id)
}

/** requireValid checks the whole JSON of a message: for Transports where bad JSON would never be answered, and to explain a refusal. */
export const requireValid = (message: Message): void => void parseBytes(message.bytes)

/** paramsOf parses the params of a message; undefined where it has none. Not for the hot path. */
export const paramsOf = (message: Message): Readonly<Record<string, unknown>> | undefined => {
  const value = parseBytes(message.bytes)
  if (typeof value !== 'object' || value === null || !('params' in value)) return undefined
  const { params } = value
  return isRecord(params) ? params : undefined
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
const canonicalId = (raw: string): string => {
  if (/^(0|-?[1-9]\d{0,14})$/.test(raw) || raw === 'null') return raw
  const value = parseText(raw)
  if (typeof value === 'string') return JSON.stringify(value)
  if (typeof value !== 'number' || !Number.isInteger(value)) return ''
  return Number.isSafeInteger(value) ? String(value) : raw
}

const isVersion = (raw: string): boolean => raw === '"2.0"' || parseText(raw) === '2.0'

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

const notAnObject = (bytes: Buffer): MalformedMessage => {
  const value = parseBytes(bytes)
  return Array.isArray(value) ? new MalformedMessage('batch', noBatch) : invalid(wrongShape)
}

const invalid = (reason: string, id = ''): MalformedMessage =>
  new MalformedMessage('not-jsonrpc', reason, id)

const wrongShape = 'send one JSON-RPC 2.0 request, notification or response object'
const wrongVersion = 'the member "jsonrpc" must be "2.0"'
const wrongMethod = 'the member "method" must be a string'
const wrongId = 'the member "id" must be a string or an integer'
const noBatch = 'batches were removed in revision 2025-06-18; send one message per POST'
