import { withoutMark } from './byte-order-mark.js'
import { ChunkCollector } from './chunk-collector.js'
import { MalformedMessage } from './malformed.js'
import { flatten } from './splice.js'

/** SseEvent is one event of a text/event-stream (WHATWG HTML §9.2). */
export interface SseEvent {
  /** `message` where the stream named none. */
  readonly event: string
  /** Empty: it is no message, and only says where to resume (`id`) or when (`retry`). */
  readonly data: Buffer
  /** Undefined where the event carried none. */
  readonly id: string | undefined
  /** How long to wait before connecting again, ms as text, where the event says so. */
  readonly retry?: string | undefined
}

/** SseDecoder takes the chunks of a stream as they come and hands out each complete event. Lines end with LF, CRLF or CR. */
export interface SseDecoder {
  push(chunk: Buffer): void
}

const newline = 0x0a
const carriageReturn = 0x0d
const colon = 0x3a
const space = 0x20
const digits = /^\d{1,9}$/
const longestKey = 'event'.length
const lineBreak = Buffer.of(newline)

/** A longer id would not fit into the header that it comes back in; of a longer name no more is kept, bytes. */
const longestText = 16 * 1024

/** createSseDecoder keeps at most one unfinished event; `maxBytes` bounds it, and a longer one throws MalformedMessage from `push`. */
export const createSseDecoder = (
  onEvent: (event: SseEvent) => void,
  maxBytes = 64 * 1024 * 1024,
): SseDecoder => {
  /** What has come of a line whose end has not. */
  const line = new ChunkCollector()
  const data = new ChunkCollector()
  let dataLines = 0
  /** Of these lines, their names too: one that is empty costs something, in the end a line break. */
  let dataBytes = 0
  let name = ''
  let id: string | undefined
  let retry: string | undefined
  let isFirstLine = true
  /** The last chunk ended with CR: an LF that comes next belongs to it. */
  let endedWithReturn = false

  const finish = (): void => {
    const event = { event: name || 'message', data: data.take(), id, retry }
    const complete = dataLines > 0 || id !== undefined || retry !== undefined
    dataLines = 0
    dataBytes = 0
    name = ''
    id = undefined
    retry = undefined
    if (complete) onEvent(event)
  }

  const field = (bytes: Buffer): void => {
    if (bytes.length === 0) {
      finish()
      return
    }
    const split = bytes.indexOf(colon)
    const keyEnd = split < 0 ? bytes.length : split
    if (keyEnd === 0 || keyEnd > longestKey) return
    const key = bytes.toString('latin1', 0, keyEnd)
    const from = split < 0 ? bytes.length : split + (bytes[split + 1] === space ? 2 : 1)
    if (key === 'data') {
      if (dataLines > 0) data.push(lineBreak)
      if (from < bytes.length) data.push(bytes.subarray(from))
      dataLines++
      dataBytes += bytes.length
    }
    if (key === 'event') name = bytes.toString('utf8', from, from + longestText)
    if (key === 'id' && bytes.length - from <= longestText && !bytes.includes(0))
      id = bytes.toString('utf8', from)
    if (key === 'retry') retry = digits.exec(bytes.toString('latin1', from, from + 10))?.[0]
  }

  const requireRoom = (bytes: number): void => {
    if (line.bytes + bytes + dataBytes > maxBytes) {
      throw new MalformedMessage('not-jsonrpc', `an event of more than ${maxBytes} bytes`)
    }
  }

  const take = (part: Buffer): void => {
    requireRoom(part.length)
    let whole = part
    if (line.bytes > 0) {
      line.push(part)
      whole = line.take()
    }
    field(isFirstLine ? withoutMark(whole) : whole)
    isFirstLine = false
  }

  return {
    push(chunk) {
      let from = endedWithReturn && chunk[0] === newline ? 1 : 0
      if (chunk.length > 0) endedWithReturn = false
      let feed = chunk.indexOf(newline, from)
      let back = chunk.indexOf(carriageReturn, from)
      while (feed >= 0 || back >= 0) {
        const end = back < 0 || (feed >= 0 && feed < back) ? feed : back
        take(chunk.subarray(from, end))
        from = end + 1
        if (end === back && from === chunk.length) endedWithReturn = true
        if (end === back && chunk[from] === newline) from++
        if (feed >= 0 && feed < from) feed = chunk.indexOf(newline, from)
        if (back >= 0 && back < from) back = chunk.indexOf(carriageReturn, from)
      }
      if (from >= chunk.length) return
      requireRoom(chunk.length - from)
      line.push(chunk.subarray(from))
    },
  }
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
