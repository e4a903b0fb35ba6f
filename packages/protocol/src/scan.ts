import { maxDepth, nestedEnd, stringEnd, tooDeep } from './depth.js'
import { MalformedMessage } from './malformed.js'
import { Members } from './members.js'

/** Span is a range of bytes, end exclusive. */
export interface Span {
  readonly start: number
  readonly end: number
}

/** EnvelopeScan says where the members of a JSON-RPC envelope stand in its bytes. */
export interface EnvelopeScan {
  readonly jsonrpc?: Span
  readonly id?: Span
  readonly method?: Span
  readonly params?: Span
  readonly result?: Span
  readonly error?: Span
}

const quote = 0x22
const openBrace = 0x7b
const closeBrace = 0x7d
const openBracket = 0x5b
const closeBracket = 0x5d
const comma = 0x2c
const colon = 0x3a

const members = new Members('jsonrpc', 'id', 'method', 'params', 'result', 'error')

/**
 * scanEnvelope finds the top-level members of one JSON object without building it: four to five
 * times cheaper than JSON.parse for big bodies. It checks what it must walk over, not the inside of
 * values. Undefined: not an object, or cut off. It throws MalformedMessage as scanUnique does.
 */
export const scanEnvelope = (bytes: Buffer): EnvelopeScan | undefined => {
  const found: Record<string, Span> = {}
  const end = walkMembers(bytes, skipSpace(bytes, 0), members, true, found)
  return end >= 0 && ends(bytes, end) ? found : undefined
}

/**
 * scanMembers finds some members of the object that stands in a span; of a repeated key the last one
 * counts, as in JSON.parse. Undefined: no object stands there.
 */
export const scanMembers = (
  bytes: Buffer,
  span: Span,
  wanted: Members,
): Readonly<Record<string, Span>> | undefined => {
  const found: Record<string, Span> = {}
  return walkMembers(bytes, span.start, wanted, false, found) === span.end ? found : undefined
}

/**
 * scanUnique finds them where each may appear once only: it throws MalformedMessage for a repeated
 * member, and for one that equals a wanted one but for case. Parsers disagree on which of them counts
 * (Go's encoding/json ignores case), so what is checked here would not be what the server executes.
 */
export const scanUnique = (
  bytes: Buffer,
  span: Span,
  wanted: Members,
): Readonly<Record<string, Span>> | undefined => {
  const found: Record<string, Span> = {}
  return walkMembers(bytes, span.start, wanted, true, found) === span.end ? found : undefined
}

/** findId finds the id of an envelope that was refused, where the bytes before the fault have one: its error carries it. */
export const findId = (bytes: Buffer): Span | undefined => {
  const found: Record<string, Span> = {}
  try {
    walkMembers(bytes, skipSpace(bytes, 0), idOnly, false, found)
  } catch {
    // What nests too deep is not walked to its end.
  }
  return found['id']
}

const idOnly = new Members('id')

/** objectEnd is the index behind the object that begins at `from`; -1 where it does not end, or nests too deep. */
export const objectEnd = (bytes: Buffer, from: number): number => {
  try {
    return skipNested(bytes, from)
  } catch {
    return -1
  }
}

/** requireShallow throws MalformedMessage for JSON that nests too deep to be parsed. */
export const requireShallow = (bytes: Buffer): void => void skipValue(bytes, skipSpace(bytes, 0))

/** isEmptyObject says whether the object that stands in a span has no members. */
export const isEmptyObject = (bytes: Buffer, span: Span): boolean =>
  bytes[skipSpace(bytes, span.start + 1)] === closeBrace

/** walkMembers takes the index of the opening brace and returns the one behind the closing brace, or -1. */
const walkMembers = (
  bytes: Buffer,
  from: number,
  wanted: Members,
  isUnique: boolean,
  found: Record<string, Span>,
): number => {
  if (bytes[from] !== openBrace) return -1
  let at = skipSpace(bytes, from + 1)
  if (bytes[at] === closeBrace) return at + 1
  for (;;) {
    if (bytes[at] !== quote) return -1
    const keyEnd = stringEnd(bytes, at)
    if (keyEnd < 0) return -1
    const match = wanted.match(bytes, at + 1, keyEnd - 1)
    at = skipSpace(bytes, keyEnd)
    if (bytes[at] !== colon) return -1
    const start = skipSpace(bytes, at + 1)
    const end = skipValue(bytes, start)
    if (end <= start) return -1
    if (match) {
      const { name, isExact } = match
      if (isUnique && (!isExact || found[name])) throw repeated(name)
      if (isExact) found[name] = { start, end }
    }
    at = skipSpace(bytes, end)
    if (bytes[at] === closeBrace) return at + 1
    if (bytes[at] !== comma) return -1
    at = skipSpace(bytes, at + 1)
  }
}

const repeated = (name: string): MalformedMessage =>
  new MalformedMessage(
    'not-jsonrpc',
    `the member "${name}" must appear exactly once, spelled this way; send each member once`,
  )

/** textOf reads a span as text. */
export const textOf = (bytes: Buffer, span: Span): string =>
  bytes.toString('utf8', span.start, span.end)

const ends = (bytes: Buffer, at: number): boolean => skipSpace(bytes, at) === bytes.length

const skipSpace = (bytes: Buffer, from: number): number => {
  let at = from
  for (;;) {
    const byte = bytes[at]
    if (byte !== 0x20 && byte !== 0x0a && byte !== 0x0d && byte !== 0x09) return at
    at++
  }
}

const skipValue = (bytes: Buffer, from: number): number => {
  const first = bytes[from]
  if (first === quote) return stringEnd(bytes, from)
  if (first === openBrace || first === openBracket) return skipNested(bytes, from)
  let at = from
  for (;;) {
    const byte = bytes[at]
    if (byte === undefined || byte === comma || byte === closeBrace || byte === closeBracket)
      return at
    if (byte <= 0x20) return at
    at++
  }
}

/** Around the value is the message that holds it. */
const skipNested = (bytes: Buffer, from: number): number => {
  const end = nestedEnd(bytes, from, maxDepth - 1)
  if (end === tooDeep) throw nestsTooDeep()
  return end
}

const nestsTooDeep = (): MalformedMessage =>
  new MalformedMessage('not-jsonrpc', `the JSON nests deeper than ${maxDepth} levels`)
