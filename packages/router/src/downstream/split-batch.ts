const quote = 0x22
const backslash = 0x5c
const openBrace = 0x7b
const closeBrace = 0x7d
const openBracket = 0x5b
const closeBracket = 0x5d
const comma = 0x2c

/**
 * splitBatch cuts an array into its members, each as it was written. The bytes must be a valid JSON array. It stops behind `limit` members,
 * so that one of millions of small ones costs no more.
 */
export const splitBatch = (bytes: Buffer, limit: number): readonly Buffer[] => {
  const members: Buffer[] = []
  let depth = 0
  let from = bytes.indexOf(openBracket) + 1
  const cut = (to: number): void => {
    const member = bytes.subarray(from, to)
    if (!isBlank(member)) members.push(member)
    from = to + 1
  }
  for (let at = from; at < bytes.length && members.length < limit; at++) {
    const byte = bytes[at]
    if (byte === quote) at = endOfString(bytes, at)
    else if (byte === comma && depth === 0) cut(at)
    else if (byte === openBrace || byte === openBracket) depth++
    else if (byte === closeBrace || byte === closeBracket) {
      if (depth === 0) cut(at)
      depth--
    }
  }
  return members
}

/** A member of valid JSON is blank only where there is none: in an empty array. */
const isBlank = (bytes: Buffer): boolean => bytes.every((byte) => byte <= 0x20)

const endOfString = (bytes: Buffer, from: number): number => {
  for (let at = from + 1; ; at++) {
    if (bytes[at] === backslash) at++
    else if (bytes[at] === quote || at >= bytes.length) return at
  }
}
