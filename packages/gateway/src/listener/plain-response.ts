import { STATUS_CODES } from 'node:http'
import type { Socket } from 'node:net'
import { remembered } from '@mcp-router/core'
import type { EdgeResponse } from '@mcp-router/router'
import { dateLine } from './date-line.js'

/** ResponseConnection is what a PlainResponse needs of its connection. */
export interface ResponseConnection {
  readonly socket: Socket
  /** The fields that tell the peer how long the connection is kept, or that it closes behind this response. */
  keepAliveLines(): string
  /** Has it close behind this response. */
  closeBehind(): void
  /** The system has taken all of the response, or could not. */
  readonly onFlushed: (error?: Error | null) => void
}

/** Up to this size a piece of body leaves with what is before and behind it as one string, in one write. */
const textLimitBytes = 16 * 1024

/** PlainResponse writes the response to a PlainRequest, in as few writes as there can be. */
export class PlainResponse implements EdgeResponse {
  headersSent = false
  writableEnded = false
  writableFinished = false
  private readonly connection: ResponseConnection
  /** The head, while it waits for the first piece of body. */
  private head = ''
  private fields = ''
  private hasBody = true
  /** The body has a Content-Length; else it is chunked. */
  private hasLength = false
  private isClosed = false
  private readonly closeListeners: (() => void)[] = []
  private drainListeners: (() => void)[] = []

  constructor(connection: ResponseConnection) {
    this.connection = connection
  }

  get destroyed(): boolean {
    return this.isClosed ? !this.writableFinished : !this.canWrite()
  }

  get writableNeedDrain(): boolean {
    return !this.isClosed && this.connection.socket.writableNeedDrain
  }

  get writableLength(): number {
    return this.isClosed ? 0 : this.connection.socket.writableLength
  }

  setHeader(name: string, value: string): void {
    this.fields += fieldLine(name, value)
  }

  writeHead(status: number, fields: readonly string[]): this {
    if (this.headersSent) throw new Error('the head of this response was written before')
    let text = statusLine(String(status)) + this.fields
    for (let at = 0; at + 1 < fields.length; at += 2) {
      const name = fields[at] ?? ''
      const value = fields[at + 1] ?? ''
      if (name === 'content-length') this.hasLength = true
      // What it says is said for each response.
      if (name === 'connection') this.connection.closeBehind()
      else text += fieldLine(name, value)
    }
    this.headersSent = true
    this.hasBody = status !== 204 && status !== 304
    this.head = text + dateLine() + this.connection.keepAliveLines()
    return this
  }

  flushHeaders(): void {
    if (this.head === '' || this.writableEnded || !this.canWrite()) return
    this.connection.socket.write(this.takeHead(), 'latin1')
  }

  write(chunk: Buffer | string, encoding?: 'latin1'): boolean {
    if (this.writableEnded || !this.canWrite()) return false
    if (!this.headersSent) this.writeHead(200, [])
    const { socket } = this.connection
    if (chunk.length === 0 || !this.hasBody) return !socket.writableNeedDrain
    const head = this.takeHead()
    const text = textOf(chunk, encoding)
    if (text !== undefined) return socket.write(head + this.framed(text), 'latin1')
    socket.cork()
    if (head !== '' || !this.hasLength) socket.write(head + this.sizeLine(chunk.length), 'latin1')
    const isTaken = socket.write(chunk)
    if (!this.hasLength) socket.write('\r\n', 'latin1')
    socket.uncork()
    return isTaken
  }

  end(chunk: Buffer | string = '', encoding?: 'latin1'): this {
    if (this.writableEnded) return this
    if (!this.headersSent) this.writeHead(200, [])
    let text = this.hasBody ? textOf(chunk, encoding) : ''
    // Nothing has left: how long the whole body is, is known by now.
    if (this.head !== '' && !this.isFramed()) {
      this.hasLength = true
      this.head += `Content-Length: ${text?.length ?? chunk.length}\r\n`
    }
    if (text === undefined) this.write(chunk)
    text ??= ''
    this.writableEnded = true
    if (!this.canWrite()) return this
    const { socket, onFlushed } = this.connection
    const last = this.takeHead() + (text === '' ? '' : this.framed(text))
    socket.write(this.isFramed() ? last : `${last}0\r\n\r\n`, 'latin1', onFlushed)
    return this
  }

  destroy(): void {
    if (!this.isClosed) this.connection.socket.destroy()
  }

  on(_: 'close', listener: () => void): void {
    this.closeListeners.push(listener)
  }

  once(_: 'drain', listener: () => void): void {
    this.drainListeners.push(listener)
  }

  /** drained says that the client has taken what waited for it. */
  drained(): void {
    const listeners = this.drainListeners
    if (listeners.length === 0) return
    this.drainListeners = []
    for (const listener of listeners) listener()
  }

  /** closed says that it is over: `isFlushed`, or its connection is gone. */
  closed(isFlushed: boolean): void {
    if (this.isClosed) return
    this.writableFinished = isFlushed
    this.isClosed = true
    for (const listener of this.closeListeners) listener()
  }

  private canWrite(): boolean {
    return !this.isClosed && this.connection.socket.writable
  }

  private takeHead(): string {
    const { head } = this
    if (head === '') return ''
    this.head = ''
    return head + (this.isFramed() ? '\r\n' : 'Transfer-Encoding: chunked\r\n\r\n')
  }

  /** isFramed tells that the head says where the body ends. */
  private isFramed(): boolean {
    return this.hasLength || !this.hasBody
  }

  private framed(text: string): string {
    return this.hasLength ? text : `${this.sizeLine(text.length)}${text}\r\n`
  }

  private sizeLine(bytes: number): string {
    return this.hasLength ? '' : `${bytes.toString(16)}\r\n`
  }
}

/** textOf has a character for each byte (Latin-1); undefined: there are many of them, which are cheaper as they are. */
const textOf = (chunk: Buffer | string, encoding: 'latin1' | undefined): string | undefined => {
  if (typeof chunk === 'string')
    return encoding === 'latin1' ? chunk : Buffer.from(chunk).toString('latin1')
  return chunk.length <= textLimitBytes ? chunk.toString('latin1') : undefined
}

const statusLine = remembered(
  100,
  (status) => `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? 'unknown'}\r\n`,
)

/** What no field may hold (RFC 9110 §5.5). */
const unsafe = /[^\t\x20-\x7e\x80-\xff]/

const fieldLine = (name: string, value: string): string => {
  if (unsafe.test(value)) throw new TypeError(`invalid character in header "${name}"`)
  return `${name}: ${value}\r\n`
}
