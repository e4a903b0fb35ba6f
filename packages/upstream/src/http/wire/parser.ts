/** ResponseListener hears the parts of HTTP/1.1 responses. `onEnd` says whether the connection may carry another request. */
export interface ResponseListener {
  onHead(status: number, headers: Record<string, string>): void
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

export const createResponseParser = (listener: ResponseListener): ResponseParser => {
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
      if (bytes.length > maxHeadBytes) throw new WireError('a head or line of more than 64 KiB')
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
    const coding = headers['transfer-encoding']
    const length = headers['content-length']
    if (status === 204 || status === 304) end()
    else if (coding !== undefined) startCoded(coding, length)
    else if (length === undefined) state = 'close'
    else startLength(length)
  }

  const startCoded = (coding: string, length: string | undefined): void => {
    if (coding.toLowerCase() !== 'chunked') throw new WireError(`transfer coding ${coding}`)
    // Both headers together are how smuggling begins: the connection is not used again (RFC 9112 §6.3).
    if (length !== undefined) reusable = false
    state = 'size'
  }

  const startLength = (length: string): void => {
    if (!/^\d{1,15}$/.test(length)) throw new WireError('a Content-Length that is no number')
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
        const head = parseHead(found.piece.toString('latin1'))
        // 100 and 103 come before the real answer.
        if (head.status >= 200) startBody(head)
        else if (head.status === 101) throw new WireError('an upgrade that nobody asked for')
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
        if (found.piece.length > 0) throw new WireError('a chunk longer than it said')
        state = 'size'
        return found.rest
      }
      case 'trailer': {
        const found = upTo(chunk, lineEnd)
        if (!found) return undefined
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

/** WireError says that a peer does not speak HTTP/1.1. */
export class WireError extends Error {
  constructor(what: string) {
    super(`the endpoint sent ${what}`)
    this.name = 'WireError'
  }
}

interface Head {
  readonly status: number
  readonly keepAlive: boolean
  readonly headers: Record<string, string>
}

const parseHead = (text: string): Head => {
  const firstEnd = text.indexOf('\r\n')
  const first = /^HTTP\/1\.([01]) (\d{3})(?: |$)/.exec(
    firstEnd < 0 ? text : text.slice(0, firstEnd),
  )
  if (!first) throw new WireError('what is not an HTTP response')
  const headers = firstEnd < 0 ? {} : parseFields(text, firstEnd + 2)
  const connection = headers['connection']?.toLowerCase()
  const keepAlive = first[1] === '1' ? connection !== 'close' : connection === 'keep-alive'
  return { status: Number(first[2]), keepAlive, headers }
}

const parseFields = (text: string, from: number): Record<string, string> => {
  const headers: Record<string, string> = {}
  let at = from
  while (at < text.length) {
    const found = text.indexOf('\r\n', at)
    const lineTo = found < 0 ? text.length : found
    const colon = text.indexOf(':', at)
    if (colon <= at || colon > lineTo) throw new WireError('a malformed header')
    addField(headers, text.slice(at, colon).toLowerCase(), text.slice(colon + 1, lineTo).trim())
    at = lineTo + 2
  }
  return headers
}

// A lone line break or NUL in a value would become another header where the value is passed on.
const unsafe = /[\r\n\0]/

const addField = (headers: Record<string, string>, name: string, value: string): void => {
  if (unsafe.test(value)) throw new WireError('a header with a control character')
  const earlier = headers[name]
  if (earlier === undefined) headers[name] = value
  else if (name !== 'content-length') headers[name] = `${earlier}, ${value}`
  else if (earlier !== value) throw new WireError('two different Content-Lengths')
}

const parseSize = (line: string): number => {
  const found = /^([0-9a-f]{1,12})[ \t]*(?:;.*)?$/i.exec(line)
  if (!found?.[1]) throw new WireError('a malformed chunk size')
  return Number.parseInt(found[1], 16)
}
