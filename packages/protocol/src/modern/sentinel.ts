const prefix = '=?base64?'
const suffix = '?='
const shortest = prefix.length + suffix.length
const plain = /^[\t\x20-\x7e]*$/
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/**
 * decodeHeaderValue reads a value of `Mcp-Name` or `Mcp-Param-*` (2026-07-28, Streamable HTTP §Value Encoding). Without the exact
 * markers a value stands for itself. Undefined: characters that no field value may have, or markers around what is not the padded
 * standard Base64 of UTF-8; such a request is refused.
 */
export const decodeHeaderValue = (raw: string): string | undefined => {
  const value = trimOws(raw)
  if (!plain.test(value)) return undefined
  if (value.length < shortest || !isMarked(value)) return value
  const payload = value.slice(prefix.length, -suffix.length)
  const bytes = Buffer.from(payload, 'base64')
  // Buffer skips what it cannot read; written again, only sound Base64 comes out as it was.
  return bytes.toString('base64') === payload ? textOf(bytes) : undefined
}

/**
 * encodeHeaderValue writes a value of `Mcp-Name` or `Mcp-Param-*`: plain where that is safe and cannot be taken for an encoded one. An
 * empty value is encoded too, since a proxy may drop an empty field.
 */
export const encodeHeaderValue = (value: string): string => {
  const isSafe = value !== '' && plain.test(value) && trimOws(value) === value
  if (isSafe && !isMarked(value)) return value
  return `${prefix}${Buffer.from(value, 'utf8').toString('base64')}${suffix}`
}

/** trimOws takes the optional whitespace off a field value (RFC 9110 §5.6.3). A loop: a pattern would be quadratic in bad values. */
export const trimOws = (value: string): string => {
  let start = 0
  let end = value.length
  while (start < end && isOws(value.charCodeAt(start))) start++
  while (end > start && isOws(value.charCodeAt(end - 1))) end--
  return value.slice(start, end)
}

const isOws = (code: number): boolean => code === 0x20 || code === 0x09

const isMarked = (value: string): boolean => value.startsWith(prefix) && value.endsWith(suffix)

const textOf = (bytes: Buffer): string | undefined => {
  try {
    return utf8.decode(bytes)
  } catch {
    return undefined
  }
}
