import { closeSync, openSync, readSync } from 'node:fs'

/** What a person writes into a file is much less; a device has no end. */
const maxBytes = 4 * 1024 * 1024

/** readText reads a file that a setting names. It throws at one that cannot be read, or is larger than any that is meant. */
export const readText = (path: string): string => {
  const file = openSync(path, 'r')
  try {
    const chunks: Buffer[] = []
    let size = 0
    for (;;) {
      const chunk = Buffer.allocUnsafe(65_536)
      const count = readSync(file, chunk)
      if (count === 0) return Buffer.concat(chunks).toString()
      chunks.push(chunk.subarray(0, count))
      size += count
      if (size > maxBytes) throw new Error(`it is larger than ${maxBytes} bytes`)
    }
  } finally {
    closeSync(file)
  }
}
