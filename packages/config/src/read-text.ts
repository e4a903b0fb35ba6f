import { closeSync, constants, fstatSync, openSync, readSync, type Stats } from 'node:fs'

/** What a person writes into a file is much less. */
const maxBytes = 4 * 1024 * 1024

/**
 * readText reads a file that a setting names. It throws at one that cannot be read, is no regular file, is larger than any that is meant, or
 * holds no text. It is the one reader of such files: another might wait for ever at a pipe, and the whole process with it.
 */
export const readText = (path: string): string => {
  // Without O_NONBLOCK the open itself waits for somebody who writes into the pipe.
  const file = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK)
  try {
    const stats = fstatSync(file)
    if (!stats.isFile()) throw new Error(`it is a ${kindOf(stats)}, and a regular file is needed`)
    return textIn(bytesOf(file))
  } finally {
    closeSync(file)
  }
}

const kindOf = (stats: Stats): string => {
  if (stats.isDirectory()) return 'folder'
  return stats.isFIFO() ? 'pipe' : 'device'
}

const bytesOf = (file: number): Buffer => {
  const chunks: Buffer[] = []
  let size = 0
  for (;;) {
    const chunk = Buffer.allocUnsafe(65_536)
    const count = readSync(file, chunk)
    if (count === 0) return Buffer.concat(chunks)
    chunks.push(chunk.subarray(0, count))
    size += count
    if (size > maxBytes) throw new Error(`it is larger than ${maxBytes} bytes`)
  }
}

const textIn = (bytes: Buffer): string => {
  // UTF-16 of plain letters would pass for UTF-8 with these in between.
  if (bytes.includes(0))
    throw new Error('it is not text in UTF-8: it has NUL characters, as UTF-16 has')
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    throw new Error('it is not text in UTF-8')
  }
}
