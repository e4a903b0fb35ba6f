import { BadAnswer } from '../bad-answer.js'
import type { HttpHeaders } from '../headers.js'
import { textOf } from './head.js'
import type { Head } from './head.js'

/** ResponseListener hears the parts of HTTP/1.1 responses. `onEnd` says whether the connection may carry another request. */
export interface ResponseListener {
  onHead(status: number, headers: HttpHeaders): void
  /** A part of the body; the bytes are good only until this returns. */
  onBody(chunk: Buffer): void
  onEnd(reusable: boolean): void
}

/** ResponseParser cuts the bytes of one connection into responses (RFC 9112). What is not HTTP throws from `feed`. */
export interface ResponseParser {
  feed(chunk: Buffer): void
  /** The connection ended: true when that is how the response was to end, or none had begun. */
  finish(): boolean
}

type State = 'head' | 'length' | 'size' | 'chunk' | 'gap' | 'trailer' | 'close'

const maxHeadBytes = 64 * 1024
const headEnd = Buffer.from('\r\n\r\n')
const lineEnd = Buffer.from('\r\n')
const nothing = Buffer.alloc(0)

export const createResponseParser = (
  listener: ResponseListener,
  readHead: (text: string) => Head,
): ResponseParser => {
  let state: State = 'head'
  /** What of a head or a line has come so far. */
  let partial: Buffer = nothing
  let remaining = 0
  let reusable = true
  let begun = false

  let ended = false

  const end = (): void => {
    state = 'head'
    begun = false
    ended = true
  }

  /** upTo takes a delimited piece that may come in parts; undefined: more is needed. */
  const upTo = (chunk: Buffer, delimiter: Buffer): { piece: Buffer; rest: Buffer } | undefined => {
    const bytes = partial.length > 0 ? Buffer.concat([partial, chunk]) : chunk
    const at = bytes.indexOf(delimiter)
    if (at < 0) {
      // What RFC 9112 §2.2 allows to take for a line end, others do not: it would begin another answer there.
      if (hasLoneFeed(bytes)) throw new BadAnswer('a line that ends with LF and not with CRLF')
      if (bytes.length > maxHeadBytes) throw new BadAnswer('a head or line of more than 64 KiB')
      // The caller reuses its buffer.
      partial = bytes === chunk ? Buffer.from(chunk) : bytes
      return undefined
    }
    partial = nothing
    return { piece: bytes.subarray(0, at), rest: bytes.subarray(at + delimiter.length) }
  }

  const startBody = (head: Head): void => {
    const { status, headers } = head
    reusable = head.keepAlive
    listener.onHead(status, headers)
    const coding = textOf(headers, 'transfer-encoding')
    const length = textOf(headers, 'content-length')
    if (status === 204 || status === 304) end()
    else if (coding !== undefined) startCoded(coding, length)
    else if (length === undefined) state = 'close'
    else startLength(length)
  }

  const startCoded = (coding: string, length: string | undefined): void => {
    if (coding.toLowerCase() !== 'chunked') throw new BadAnswer(`transfer coding ${coding}`)
    // Both together are how response splitting begins: whoever believes the other one reads another answer.
    if (length !== undefined) throw new BadAnswer('both Transfer-Encoding and Content-Length')
    state = 'size'
  }

  const startLength = (length: string): void => {
    if (!/^\d{1,15}$/.test(length)) throw new BadAnswer('a Content-Length that is no number')
    remaining = Number(length)
    state = 'length'
    if (remaining === 0) end()
  }

  /** takeBody hands on what belongs to the current length and returns the rest. */
  const takeBody = (chunk: Buffer): Buffer => {
    const part = chunk.length > remaining ? chunk.subarray(0, remaining) : chunk
    remaining -= part.length
    listener.onBody(part)
    return chunk.length > part.length ? chunk.subarray(part.length) : nothing
  }

  const step = (chunk: Buffer): Buffer | undefined => {
    switch (state) {
      case 'head': {
        begun = true
        const found = upTo(chunk, headEnd)
        if (!found) return undefined
        const head = readHead(found.piece.toString('latin1'))
        // 100 and 103 come before the real answer.
        if (head.status >= 200) startBody(head)
        else if (head.status < 100) throw new BadAnswer(`the status ${head.status}`)
        else if (head.status === 101) throw new BadAnswer('an upgrade that nobody asked for')
        return found.rest
      }
      case 'length': {
        const rest = takeBody(chunk)
        if (remaining === 0) end()
        return rest
      }
      case 'size': {
        const found = upTo(chunk, lineEnd)
        if (!found) return undefined
        remaining = parseSize(found.piece.toString('latin1'))
        state = remaining === 0 ? 'trailer' : 'chunk'
        return found.rest
      }
      case 'chunk': {
        const rest = takeBody(chunk)
        if (remaining === 0) state = 'gap'
        return rest
      }
      case 'gap': {
        const found = upTo(chunk, lineEnd)
        if (!found) return undefined
        if (found.piece.length > 0) throw new BadAnswer('a chunk longer than it said')
        state = 'size'
        return found.rest
      }
      case 'trailer': {
        const found = upTo(chunk, lineEnd)
        if (!found) return undefined
        remaining += found.piece.length
        if (remaining > maxHeadBytes) throw new BadAnswer('trailers of more than 64 KiB')
        if (found.piece.length === 0) end()
        return found.rest
      }
      case 'close':
        listener.onBody(chunk)
        return nothing
    }
  }

  return {
    feed(chunk) {
      let rest: Buffer | undefined = chunk
      while (rest && rest.length > 0) {
        rest = step(rest)
        if (!ended) continue
        ended = false
        // More than the answer: nobody asked for it, and the next answer must not begin with it.
        listener.onEnd(reusable && rest?.length === 0)
        return
      }
    },
    finish() {
      if (state !== 'close') return !begun
      listener.onEnd(false)
      return true
    },
  }
}

const hasLoneFeed = (bytes: Buffer): boolean => {
  for (let at = bytes.indexOf(0x0a); at >= 0; at = bytes.indexOf(0x0a, at + 1))
    if (bytes[at - 1] !== 0x0d) return true
  return false
}

const parseSize = (line: string): number => {
  const found = /^([0-9a-f]{1,12})[ \t]*(?:;.*)?$/i.exec(line)
  if (!found?.[1]) throw new BadAnswer('a malformed chunk size')
  return Number.parseInt(found[1], 16)
}
