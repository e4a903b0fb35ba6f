/** LineSplitter cuts a byte stream at LF; a longer line than `maxBytes` throws RangeError. */
export const createLineSplitter = (
  onLine: (line: Buffer) => void,
  maxBytes = 64 * 1024 * 1024,
): ((chunk: Buffer) => void) => {
  let parts: Buffer[] = []
  let size = 0
  return (chunk) => {
    let from = 0
    for (;;) {
      const end = chunk.indexOf(0x0a, from)
      if (end < 0) break
      parts.push(chunk.subarray(from, end))
      const line = parts.length === 1 && parts[0] ? parts[0] : Buffer.concat(parts)
      parts = []
      size = 0
      from = end + 1
      if (line.length > 0) onLine(line)
    }
    if (from === chunk.length) return
    parts.push(chunk.subarray(from))
    size += chunk.length - from
    if (size > maxBytes) throw new RangeError(`a line of more than ${maxBytes} bytes`)
  }
}
