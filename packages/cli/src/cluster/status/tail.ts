import { closeSync, openSync, readSync, statSync } from 'node:fs'

// Enough for 50 lines of a log; only the end of a file is read, however long it is.
const windowBytes = 256 * 1024

/**
 * tail reads the last lines of a file, none of them from before `from`; none at all, when there is
 * no file.
 */
export const tail = (path: string, count: number, from = 0): readonly string[] => {
  const size = sizeOf(path)
  const { text } = readFrom(path, Math.max(from, size - windowBytes))
  return text.split('\n').filter(Boolean).slice(-count)
}

/** sizeOf is 0 where there is no file. */
export const sizeOf = (path: string): number => statSync(path, { throwIfNoEntry: false })?.size ?? 0

/** readFrom reads on from an offset, and tells where it came to. */
export const readFrom = (
  path: string,
  offset: number,
): { readonly text: string; readonly end: number } => {
  const size = sizeOf(path)
  // A file that shrank was begun anew.
  const from = offset > size ? 0 : offset
  if (size === from) return { text: '', end: from }
  const file = openSync(path, 'r')
  try {
    const buffer = Buffer.alloc(Math.min(size - from, windowBytes))
    const read = readSync(file, buffer, 0, buffer.length, from)
    return { text: buffer.toString('utf8', 0, read), end: from + read }
  } finally {
    closeSync(file)
  }
}
