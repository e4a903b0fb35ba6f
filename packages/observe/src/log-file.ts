import { reasonOf } from '@mcp-router/core'
import {
  appendFile,
  closeSync,
  constants,
  existsSync,
  fstatSync,
  mkdirSync,
  openSync,
  renameSync,
} from 'node:fs'
import { basename, dirname, extname, join } from 'node:path'
import { Writable } from 'node:stream'

/** LogFileOptions say when the file is rotated, and who hears that it cannot be written. */
export interface LogFileOptions {
  readonly maxBytes: number
  /** The file and those before it: `router.log`, `router1.log` … */
  readonly maxFiles: number
  /** So much may wait for the disk, characters; what comes beyond it is lost. */
  readonly maxWaiting: number
  /** Once for each time that lines begin to be lost. */
  readonly onLost: (reason: string) => void
}

/**
 * openLogFile opens a stream of lines into a file. It throws an Error fit to print where that cannot be written. Later no failure ends the
 * stream: lines are lost until the file can be written again. (The file transport of winston falls silent for ever, keeps every line in
 * memory, and never ends.)
 */
export const openLogFile = (path: string, options: LogFileOptions): Writable => {
  const { maxBytes, maxFiles, maxWaiting, onLost } = options
  let file = opened(path)
  let waiting: string[] = []
  let length = 0
  let isWriting = false
  let isLosing = false
  let isTorn = false
  let whenIdle: (() => void) | undefined

  const lost = (reason: string): void => {
    if (!isLosing) onLost(reason)
    isLosing = true
  }

  const rotate = (): void => {
    if (!file.canRotate || file.size < maxBytes) return
    // Where it does not work, the file grows; it is tried again after as much.
    file.size = 0
    try {
      moveOn(path, maxFiles)
      const old = file.fd
      file = opened(path)
      closeSync(old)
    } catch (error) {
      onLost(`rotating: ${reasonOf(error)}`)
    }
  }

  const flush = (): void => {
    if (isWriting) return
    if (waiting.length === 0) return whenIdle?.()
    const text = waiting.join('')
    waiting = []
    length = 0
    isWriting = true
    rotate()
    // What was written in part must not run into the next line.
    appendFile(file.fd, isTorn ? `\n${text}` : text, (error) => {
      isWriting = false
      isTorn = error !== null
      file.size += Buffer.byteLength(text)
      if (error) lost(error.message)
      else isLosing = false
      flush()
    })
  }

  return new Writable({
    decodeStrings: false,
    write(line: string, _encoding, done) {
      if (length + line.length > maxWaiting) lost('the disk is too slow')
      else {
        waiting.push(line)
        length += line.length
        flush()
      }
      done()
    },
    final(done) {
      // A disk that does not answer must not hold the process.
      const late = setTimeout(() => {
        whenIdle = undefined
        done()
      }, endMs)
      whenIdle = () => {
        whenIdle = undefined
        clearTimeout(late)
        closeSync(file.fd)
        done()
      }
      flush()
    },
  })
}

const endMs = 2_000

interface Opened {
  readonly fd: number
  readonly canRotate: boolean
  size: number
}

const opened = (path: string): Opened => {
  const { O_WRONLY, O_APPEND, O_CREAT, O_NONBLOCK } = constants
  try {
    makeFolder(dirname(path))
    // A pipe that nobody reads would hold the process here.
    closeSync(openSync(path, O_WRONLY | O_APPEND | O_CREAT | O_NONBLOCK))
    const fd = openSync(path, 'a')
    const stat = fstatSync(fd)
    return { fd, canRotate: stat.isFile(), size: stat.isFile() ? stat.size : 0 }
  } catch (error) {
    // `EISDIR: illegal operation on a directory, open '/tmp'`: the path stands before it.
    const reason = reasonOf(error).replace(/, \w+ '.*$/s, '')
    throw new Error(
      `LOG_FILE: ${path} cannot be written (${reason}); name a file that can be, or leave it out: log lines then go to standard output`,
      { cause: error },
    )
  }
}

// Not mkdir's own `recursive`: in /proc, where a folder is there and takes none, it never returns.
const makeFolder = (path: string): void => {
  if (existsSync(path)) return
  makeFolder(dirname(path))
  try {
    mkdirSync(path)
  } catch (error) {
    // Another instance was first.
    if (!hasCode(error, 'EEXIST')) throw error
  }
}

const hasCode = (error: unknown, code: string): boolean =>
  error instanceof Error && 'code' in error && error.code === code

const moveOn = (path: string, maxFiles: number): void => {
  const extension = extname(path)
  const stem = join(dirname(path), basename(path, extension))
  const names = [
    path,
    ...Array.from({ length: maxFiles - 1 }, (_, n) => `${stem}${n + 1}${extension}`),
  ]
  for (let n = names.length - 1; n > 0; n--) {
    const [from = '', to = ''] = [names[n - 1], names[n]]
    try {
      renameSync(from, to)
    } catch (error) {
      if (!hasCode(error, 'ENOENT')) throw error
    }
  }
}
