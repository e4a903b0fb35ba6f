import { flatten } from './splice.js'

/** SseEvent is one event of a text/event-stream (WHATWG HTML §9.2). */
export interface SseEvent {
  /** `message` where the stream named none. */
  readonly event: string
  readonly data: Buffer
  /** Undefined where the event carried none. */
  readonly id: string | undefined
}

/** SseDecoder takes the chunks of a stream as they come and hands out each complete event. Line ends: LF or CRLF. */
export interface SseDecoder {
  push(chunk: Buffer): void
}

const newline = 0x0a
const carriageReturn = 0x0d
const colon = 0x3a
const space = 0x20

/** createSseDecoder keeps at most one unfinished event; `maxBytes` bounds it, and a longer one throws RangeError from `push`. */
export const createSseDecoder = (
  onEvent: (event: SseEvent) => void,
  maxBytes = 64 * 1024 * 1024,
): SseDecoder => {
  let line: Buffer[] = []
  let data: Buffer[] = []
  let size = 0
  let name = ''
  let id: string | undefined

  const finish = (): void => {
    const event = { event: name || 'message', data: joinLines(data), id }
    const complete = data.length > 0 || id !== undefined
    data = []
    name = ''
    id = undefined
    size = 0
    if (complete) onEvent(event)
  }

  const field = (bytes: Buffer): void => {
    if (bytes.length === 0) {
      finish()
      return
    }
    const split = bytes.indexOf(colon)
    if (split === 0) return
    const key = bytes.toString('latin1', 0, split < 0 ? bytes.length : split)
    const from = split < 0 ? bytes.length : split + (bytes[split + 1] === space ? 2 : 1)
    if (key === 'data') data.push(bytes.subarray(from))
    if (key === 'event') name = bytes.toString('utf8', from)
    if (key === 'id') id = bytes.toString('utf8', from)
  }

  const grow = (bytes: number): void => {
    size += bytes
    if (size > maxBytes) throw new RangeError(`an SSE event of more than ${maxBytes} bytes`)
  }

  return {
    push(chunk) {
      let from = 0
      for (;;) {
        const end = chunk.indexOf(newline, from)
        if (end < 0) break
        grow(end - from)
        line.push(chunk.subarray(from, end))
        field(withoutReturn(line.length === 1 && line[0] ? line[0] : Buffer.concat(line)))
        line = []
        from = end + 1
      }
      if (from === chunk.length) return
      grow(chunk.length - from)
      line.push(chunk.subarray(from))
    },
  }
}

const withoutReturn = (line: Buffer): Buffer =>
  line[line.length - 1] === carriageReturn ? line.subarray(0, -1) : line

const joinLines = (lines: readonly Buffer[]): Buffer => {
  const [first] = lines
  if (!first) return Buffer.alloc(0)
  if (lines.length === 1) return first
  const parts = lines.flatMap((part, at) => (at === 0 ? [part] : [Buffer.of(newline), part]))
  return Buffer.concat(parts)
}

const messageHead = Buffer.from('event: message\ndata: ')
const frameEnd = Buffer.from('\n\n')

/** messageFrame is one JSON-RPC message as an SSE event. */
export const messageFrame = (message: Buffer): Buffer =>
  Buffer.concat([messageHead, flatten(message), frameEnd])

/** eventFrame is a named event with one line of text. */
export const eventFrame = (event: string, data: string): Buffer =>
  Buffer.from(`event: ${event}\ndata: ${data}\n\n`)

/** keepAliveFrame is a comment: clients ignore it, proxies see traffic. */
export const keepAliveFrame = Buffer.from(': keepalive\n\n')
