import { Members } from './members.js'
import type { Message } from './message.js'
import { progressTokenSpan } from './progress.js'
import { isEmptyObject, scanEnvelope, scanMembers, textOf } from './scan.js'
import type { Span } from './scan.js'

/** Spliced is a message of which one value was exchanged, every other byte untouched. */
export interface Spliced {
  readonly bytes: Buffer
  /** What stood there, as it was written. */
  readonly previous: string
}

/** spliceId puts another id (JSON text) into a message that has one. Numbers, unknown members and spacing stay as sent. */
export const spliceId = (message: Pick<Message, 'bytes' | 'idSpan'>, id: string): Spliced => {
  const { bytes } = message
  const span = message.idSpan ?? scanEnvelope(bytes)?.id
  if (!span) throw new TypeError('splicing the id of a message: it has none')
  return exchanged(bytes, span, id)
}

/**
 * spliceProgressToken puts another progress token (JSON text) into a request that asks for progress, or into a notification of progress.
 * Undefined: the message has none.
 */
export const spliceProgressToken = (
  { bytes }: Pick<Message, 'bytes'>,
  token: string,
): Spliced | undefined => {
  const { id, method } = scanEnvelope(bytes) ?? {}
  if (!method) return undefined
  const span = progressTokenSpan(bytes, id !== undefined, String(parsed(textOf(bytes, method))))
  return span && exchanged(bytes, span, token)
}

/**
 * insertIntoResult puts members (`"a":1,"b":2`) at the beginning of a response's result, every other byte untouched. Undefined: there is
 * no result that is an object, or it has one of them already.
 */
export const insertIntoResult = (
  { bytes }: Pick<Message, 'bytes'>,
  text: string,
): Buffer | undefined => {
  const result = scanEnvelope(bytes)?.result
  if (!result) return undefined
  const members = JSON.parse(`{${text}}`) as object // written by the caller, in braces
  const present = scanMembers(bytes, result, new Members(...Object.keys(members)))
  if (!present || Object.keys(present).length > 0) return undefined
  const at = result.start + 1
  const inserted = isEmptyObject(bytes, result) ? text : `${text},`
  return exchanged(bytes, { start: at, end: at }, inserted).bytes
}

const exchanged = (bytes: Buffer, span: Span, text: string): Spliced => {
  const length = Buffer.byteLength(text)
  const spliced = Buffer.allocUnsafe(bytes.length - (span.end - span.start) + length)
  bytes.copy(spliced, 0, 0, span.start)
  spliced.write(text, span.start)
  bytes.copy(spliced, span.start + length, span.end)
  return { bytes: spliced, previous: textOf(bytes, span) }
}

const parsed = (text: string): unknown => {
  try {
    return JSON.parse(text) as unknown
  } catch {
    return undefined
  }
}

const newline = 0x0a
const carriageReturn = 0x0d

/** flatten puts a message on one line, as stdio and SSE need it: a raw line break in valid JSON can only be white space. */
export const flatten = (bytes: Buffer): Buffer => {
  if (!bytes.includes(newline) && !bytes.includes(carriageReturn)) return bytes
  const line = Buffer.from(bytes)
  for (let at = 0; at < line.length; at++) {
    if (line[at] === newline || line[at] === carriageReturn) line[at] = 0x20
  }
  return line
}
