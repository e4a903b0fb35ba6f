/** Span is a range of bytes, end exclusive. */
export interface Span {
  readonly start: number
  readonly end: number
}

/** EnvelopeScan says where the members of a JSON-RPC envelope stand in its bytes. Of a repeated key the last one counts. */
export interface EnvelopeScan {
  readonly jsonrpc?: Span
  readonly id?: Span
  readonly method?: Span
  readonly params?: Span
  readonly result?: Span
  readonly error?: Span
}

const quote = 0x22
const backslash = 0x5c
const openBrace = 0x7b
const closeBrace = 0x7d
const openBracket = 0x5b
const closeBracket = 0x5d
const comma = 0x2c
const colon = 0x3a

const members = new Set(['jsonrpc', 'id', 'method', 'params', 'result', 'error'])

/**
 * scanEnvelope finds the top-level members of one JSON object without building it: four to five times cheaper than JSON.parse for big
 * bodies. It checks what it must walk over, not the inside of values. Undefined: not an object, or cut off.
 */
export const scanEnvelope = (bytes: Buffer): EnvelopeScan | undefined => {
  const found: Record<string, Span> = {}
  const end = walkMembers(bytes, skipSpace(bytes, 0), members, found)
  return end >= 0 && ends(bytes, end) ? found : undefined
}

/** scanMembers finds some members of the object that stands in a span, in the same way. Undefined: no object stands there. */
export const scanMembers = (
  bytes: Buffer,
  span: Span,
  wanted: ReadonlySet<string>,
): Readonly<Record<string, Span>> | undefined => {
  const found: Record<string, Span> = {}
  return walkMembers(bytes, span.start, wanted, found) === span.end ? found : undefined
}

/** isEmptyObject says whether the object that stands in a span has no members. */
export const isEmptyObject = (bytes: Buffer, span: Span): boolean =>
  bytes[skipSpace(bytes, span.start + 1)] === closeBrace

/** walkMembers takes the index of the opening brace and returns the one behind the closing brace, or -1. */
const walkMembers = (
  bytes: Buffer,
  from: number,
  wanted: ReadonlySet<string>,
  found: Record<string, Span>,
): number => {
  if (bytes[from] !== openBrace) return -1
  let at = skipSpace(bytes, from + 1)
  if (bytes[at] === closeBrace) return at + 1
  for (;;) {
    if (bytes[at] !== quote) return -1
    const keyEnd = skipString(bytes, at)
    if (keyEnd < 0) return -1
    const key = keyText(bytes, at, keyEnd)
    at = skipSpace(bytes, keyEnd)
    if (bytes[at] !== colon) return -1
    const start = skipSpace(bytes, at + 1)
    const end = skipValue(bytes, start)
    if (end <= start) return -1
    if (wanted.has(key)) found[key] = { start, end }
    at = skipSpace(bytes, end)
    if (bytes[at] === closeBrace) return at + 1
    if (bytes[at] !== comma) return -1
    at = skipSpace(bytes, at + 1)
  }
}

/** textOf reads a span as text. */
export const textOf = (bytes: Buffer, span: Span): string =>
  bytes.toString('utf8', span.start, span.end)

const ends = (bytes: Buffer, at: number): boolean => skipSpace(bytes, at) === bytes.length

const keyText = (bytes: Buffer, start: number, end: number): string => {
  const text = bytes.toString('utf8', start + 1, end - 1)
  if (!text.includes('\\')) return text
  try {
    return String(JSON.parse(`"${text}"`))
  } catch {
    return text
  }
}

const skipSpace = (bytes: Buffer, from: number): number => {
  let at = from
  for (;;) {
    const byte = bytes[at]
    if (byte !== 0x20 && byte !== 0x0a && byte !== 0x0d && byte !== 0x09) return at
    at++
  }
}

/** skipString takes the index of the opening quote and returns the one behind the closing quote, or -1. */
const skipString = (bytes: Buffer, from: number): number => {
  let at = from
  for (;;) {
    at = bytes.indexOf(quote, at + 1)
    if (at < 0) return -1
    let escapes = 0
    while (bytes[at - 1 - escapes] === backslash && at - 1 - escapes > from) escapes++
    if (escapes % 2 === 0) return at + 1
  }
}

const skipValue = (bytes: Buffer, from: number): number => {
  const first = bytes[from]
  if (first === quote) return skipString(bytes, from)
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

const skipNested = (bytes: Buffer, from: number): number => {
  let depth = 0
  let at = from
  while (at < bytes.length) {
    const byte = bytes[at]
    if (byte === quote) {
      at = skipString(bytes, at)
      if (at < 0) return -1
      continue
    }
    if (byte === openBrace || byte === openBracket) depth++
    if (byte === closeBrace || byte === closeBracket) depth--
    at++
    if (depth === 0) return at
  }
  return -1
}
