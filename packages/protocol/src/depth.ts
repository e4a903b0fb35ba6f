const quote = 0x22
const backslash = 0x5c
const openBrace = 0x7b
const closeBrace = 0x7d
const openBracket = 0x5b
const closeBracket = 0x5d

/** No message of MCP is nested deeper; one made to exhaust the stack of a parser, or of whoever walks its value, is. */
export const maxDepth = 512

/** isTooDeep tells that JSON is nested deeper than `limit`, by its bytes: to be asked before JSON.parse. */
export const isTooDeep = (bytes: Buffer, limit = maxDepth): boolean => {
  // Each level takes a byte.
  if (bytes.length <= limit) return false
  let from = 0
  while ((bytes[from] ?? quote) <= 0x20) from++
  const first = bytes[from]
  return (first === openBrace || first === openBracket) && nestedEnd(bytes, from, limit) === tooDeep
}

/** tooDeep stands for the end that nestedEnd did not look for. */
export const tooDeep = -2

/** nestedEnd is the index behind the object or array that begins at `from`; -1 where it does not end, `tooDeep` where it nests deeper than `limit`. */
export const nestedEnd = (bytes: Buffer, from: number, limit: number): number => {
  let depth = 0
  let at = from
  while (at < bytes.length) {
    const byte = bytes[at]
    if (byte === quote) {
      at = stringEnd(bytes, at)
      if (at < 0) return -1
      continue
    }
    if (byte === openBrace || byte === openBracket) {
      if (++depth > limit) return tooDeep
    }
    if (byte === closeBrace || byte === closeBracket) depth--
    at++
    if (depth === 0) return at
  }
  return -1
}

/** stringEnd takes the index of the opening quote and returns the one behind the closing quote, or -1. */
export const stringEnd = (bytes: Buffer, from: number): number => {
  let at = from + 1
  // Most strings are short: to look at them costs less than to call indexOf.
  for (const near = at + shortBytes; at < near && bytes[at] !== backslash; at++) {
    if (bytes[at] === quote) return at + 1
  }
  at--
  for (;;) {
    at = bytes.indexOf(quote, at + 1)
    if (at < 0) return -1
    let escapes = 0
    while (bytes[at - 1 - escapes] === backslash && at - 1 - escapes > from) escapes++
    if (escapes % 2 === 0) return at + 1
  }
}

const shortBytes = 24
