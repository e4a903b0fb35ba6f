import { asError } from '@mcp-router/core'
import * as zlib from 'node:zlib'
import type { Transform } from 'node:stream'
import { BadAnswer } from './bad-answer.js'
import type { HttpController, HttpHandler } from './handler.js'
import { endHandler, failHandler } from './handler.js'
import type { HttpHeaders } from './headers.js'

/** Open makes the decoder of a coding; it is given the first bytes. */
type Open = (first: Buffer) => Transform

/** The coding `deflate` is zlib's format, but some servers send the bare one (RFC 9110 §8.4.1.2). */
const inflate: Open = (first) =>
  ((first[0] ?? 0) & 0x0f) === 8 ? zlib.createInflate() : zlib.createInflateRaw()

const zstd = (zlib as { createZstdDecompress?: () => Transform }).createZstdDecompress

const codings: ReadonlyMap<string, Open> = new Map<string, Open>([
  ['gzip', () => zlib.createGunzip()],
  ['x-gzip', () => zlib.createGunzip()],
  ['deflate', inflate],
  ['br', () => zlib.createBrotliDecompress()],
  // Node has it from 22.15 on.
  ...(zstd ? [['zstd', () => zstd()] as const] : []),
])

/**
 * decode wraps the handler of an answer that is compressed: it gets the plain bytes, at most
 * `maxBytes`. It throws BadAnswer for a coding that it does not know.
 */
export const decode = (handler: HttpHandler, coding: string, maxBytes: number): HttpHandler => {
  const name = coding.trim().toLowerCase()
  if (name === '' || name === 'identity') return handler
  const open = codings.get(name)
  if (!open) throw new BadAnswer(`a body with the content coding "${printable(name)}"`)
  return new Decoding(handler, name, open, maxBytes)
}

const printable = (text: string): string => text.replace(/[^\x20-\x7e]/g, '?').slice(0, 40)

/** Decoding is the controller of the handler behind it, which may outlive the connection. */
class Decoding implements HttpHandler, HttpController {
  aborted = false
  reason: Error | null = null
  paused = false
  private readonly handler: HttpHandler
  private readonly name: string
  private readonly open: Open
  private readonly maxBytes: number
  private source: HttpController | undefined
  private decoder: Transform | undefined
  private size = 0
  private over = false

  constructor(handler: HttpHandler, name: string, open: Open, maxBytes: number) {
    this.handler = handler
    this.name = name
    this.open = open
    this.maxBytes = maxBytes
  }

  onRequestStart(): void {
    // It begins with the answer.
  }

  onResponseStart(controller: HttpController, status: number, headers: HttpHeaders): void {
    this.source = controller
    this.handler.onRequestStart?.(this, undefined)
    const plain = { ...headers }
    delete plain['content-encoding']
    delete plain['content-length']
    this.handler.onResponseStart?.(this, status, plain)
  }

  onResponseData(controller: HttpController, chunk: Buffer): void {
    if (this.over) return
    const decoder = (this.decoder ??= this.start(chunk))
    if (decoder.write(chunk)) return
    controller.pause()
    decoder.once('drain', () => {
      if (this.source) controller.resume()
    })
  }

  onResponseEnd(): void {
    this.source = undefined
    if (this.decoder) this.decoder.end()
    else this.finish()
  }

  onResponseError(_: HttpController, error: Error): void {
    this.source = undefined
    this.fail(error)
  }

  pause(): void {
    this.paused = true
    this.decoder?.pause()
  }

  resume(): void {
    this.paused = false
    this.decoder?.resume()
  }

  abort(reason: Error): void {
    if (this.aborted) return
    this.aborted = true
    this.reason = reason
    if (this.source) this.source.abort(reason)
    else this.fail(reason)
  }

  private start(first: Buffer): Transform {
    const decoder = this.open(first)
    decoder.on('data', (chunk: Buffer) => this.onPlain(chunk))
    decoder.on('end', () => this.finish())
    decoder.on('error', (cause) => {
      this.breakOff(new BadAnswer(`a body that is not ${this.name}`, cause))
    })
    return decoder
  }

  private onPlain(chunk: Buffer): void {
    if (this.over) return
    this.size += chunk.length
    if (this.size > this.maxBytes) {
      this.breakOff(new BadAnswer(`more than ${this.maxBytes} bytes, decoded`))
      return
    }
    try {
      this.handler.onResponseData?.(this, chunk)
    } catch (thrown) {
      this.breakOff(asError(thrown))
    }
  }

  /** breakOff ends the answer here and at its connection. */
  private breakOff(error: Error): void {
    const { source } = this
    this.source = undefined
    this.fail(error)
    source?.abort(error)
  }

  private finish(): void {
    if (this.over) return
    this.over = true
    endHandler(this.handler, this)
  }

  private fail(error: Error): void {
    if (this.over) return
    this.over = true
    this.decoder?.destroy()
    failHandler(this.handler, this, error)
  }
}
