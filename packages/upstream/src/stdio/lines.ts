import { ChunkCollector } from '@mcp-router/protocol'

/** What of a line that is too long is handed out. */
const headBytes = 4_096

/**
 * createLineSplitter cuts a byte stream at LF. A line longer than `maxBytes` is not kept: its beginning
 * goes to `onTooLong`, its rest nowhere.
 */
export const createLineSplitter = (
  onLine: (line: Buffer) => void,
  maxBytes: number,
  onTooLong: (head: Buffer) => void,
): ((chunk: Buffer) => void) => {
  const line = new ChunkCollector()
  let isTooLong = false

  const add = (part: Buffer): void => {
    if (isTooLong) return
    line.push(part)
    if (line.bytes <= maxBytes) return
    isTooLong = true
    // A copy: a slice would keep the whole line in memory.
    onTooLong(Buffer.from(line.take().subarray(0, headBytes)))
  }

  const finish = (): void => {
    isTooLong = false
    if (line.bytes > 0) onLine(line.take())
  }

  return (chunk) => {
    let from = 0
    for (;;) {
      const end = chunk.indexOf(0x0a, from)
      if (end < 0) break
      add(chunk.subarray(from, end))
      finish()
      from = end + 1
    }
    if (from < chunk.length) add(chunk.subarray(from))
  }
}
