import type { Socket } from 'node:net'
import type { EdgeRequest, EdgeResponse } from '@mcp-router/router'
import { PlainRequest } from './plain-request.js'
import { PlainResponse } from './plain-response.js'
import type { ResponseConnection } from './plain-response.js'
import { readRequestHead } from './request-head.js'
import type { RequestHead } from './request-head.js'

/** PlainHooks are what the listener does for its plain connections. */
export interface PlainHooks {
  /** Serves a request of the data plane; false: it is not one, and nothing was done. */
  readonly serve: (req: EdgeRequest, res: EdgeResponse) => boolean
  /** Takes a connection over, with what was read of it. */
  readonly toNode: (socket: Socket, bytes: Buffer) => void
  readonly onClosed: (connection: PlainConnection) => void
  readonly isRefusing: () => boolean
  readonly keepAliveS: number
}

const maxHeadBytes = 8 * 1024
/** So many bytes a client may send ahead while it is answered. Its end must be read behind them: they cannot be left unread. */
const maxAheadBytes = 256 * 1024
const headEnd = Buffer.from('\r\n\r\n')

/**
 * PlainConnection reads the plain requests of one client (readRequestHead), one after the other, without what node:http does for all others: it
 * is handed a connection, with its bytes, at the first request that is not plain, or is not for the data plane.
 */
export class PlainConnection implements ResponseConnection {
  readonly socket: Socket
  /** When the connection was opened, or last became idle, as `performance.now()` counts. */
  idleSince = performance.now()
  /** Bytes of a request that is not complete, or came while one was being answered. */
  private bytes: Buffer | undefined
  /** The head at the beginning of `bytes`, if that is complete, and where its body begins. */
  private head: RequestHead | undefined
  private bodyAt = 0
  private response: PlainResponse | undefined
  private isLast = false
  /** It had no request yet. */
  private isNew = true
  private readonly hooks: PlainHooks

  constructor(socket: Socket, hooks: PlainHooks) {
    this.socket = socket
    this.hooks = hooks
    socket.on('data', this.onData)
    socket.on('drain', this.onDrain)
    socket.on('end', this.onEnd)
    socket.on('error', ignore)
    socket.on('close', this.onClose)
  }

  /** isIdle tells that no request is under way, nor has one begun. */
  isIdle(): boolean {
    return !this.response && !this.bytes
  }

  /** isLate tells that it was idle for too long, or sends a request slowly. */
  isLate(now: number, requestHeadMs: number, idleMs: number): boolean {
    if (this.response) return false
    return this.bytes !== undefined || now - this.idleSince > (this.isNew ? requestHeadMs : idleMs)
  }

  /** giveUp ends it, if it is still idle; how long a client may take for a request that has begun is for node:http to count. */
  giveUp(): void {
    if (this.socket.destroyed || this.response) return
    if (this.bytes) this.handOver()
    else this.close()
  }

  close(): void {
    this.socket.destroy()
  }

  /** handOver gives the connection to node:http; no request is being answered. */
  private handOver(): void {
    const { socket, hooks } = this
    socket.off('data', this.onData)
    socket.off('drain', this.onDrain)
    socket.off('end', this.onEnd)
    socket.off('error', ignore)
    socket.off('close', this.onClose)
    hooks.onClosed(this)
    hooks.toNode(socket, this.bytes ?? nothing)
  }

  keepAliveLines(): string {
    if (this.hooks.isRefusing()) this.isLast = true
    if (this.isLast) return 'Connection: close\r\n'
    return `Connection: keep-alive\r\nKeep-Alive: timeout=${this.hooks.keepAliveS}\r\n`
  }

  closeBehind(): void {
    this.isLast = true
  }

  readonly onFlushed = (error?: Error | null): void => {
    const { response, socket } = this
    // What could not be written was delivered to nobody.
    if (error || !response?.writableEnded || socket.destroyed) return
    this.response = undefined
    this.idleSince = performance.now()
    // The client was told so: nothing that it sends behind that is processed (RFC 9112 §9.6).
    if (this.isLast) socket.destroySoon()
    // Whoever has ended its side may have closed the other one, too: then nobody reads what was written.
    response.closed(!socket.readableEnded)
    if (this.bytes && !this.isLast && socket.writable) this.serve()
  }

  private readonly onData = (chunk: Buffer): void => {
    if (this.isLast) {
      this.bytes = undefined
      return
    }
    this.bytes = this.bytes ? Buffer.concat([this.bytes, chunk]) : chunk
    if (!this.response) this.serve()
    // It may send again elsewhere what was not answered here.
    else if (this.bytes.length > maxAheadBytes) this.isLast = true
  }

  /** serve answers the request that is at the beginning of what was read, if it is complete. */
  private serve(): void {
    const bytes = this.bytes ?? nothing
    const head = (this.head ??= this.readHead(bytes))
    if (!head) return
    const end = this.bodyAt + head.bodyBytes
    if (bytes.length < end) return
    const response = new PlainResponse(this)
    const request = new PlainRequest(head, bytes.subarray(this.bodyAt, end), this.socket)
    this.response = response
    if (!this.hooks.serve(request, response)) {
      this.response = undefined
      this.handOver()
      return
    }
    this.isNew = false
    this.head = undefined
    this.bytes = bytes.length > end ? bytes.subarray(end) : undefined
  }

  /** readHead returns undefined where the head is not complete, or the connection was handed over. */
  private readHead(bytes: Buffer): RequestHead | undefined {
    const end = bytes.indexOf(headEnd)
    const head =
      end >= 0 && end <= maxHeadBytes
        ? readRequestHead(bytes.toString('latin1', 0, end))
        : undefined
    if (head) {
      this.bodyAt = end + headEnd.length
      return head
    }
    if (end >= 0 || bytes.length > maxHeadBytes || !mayBecomePlain(bytes)) this.handOver()
    return undefined
  }

  private readonly onDrain = (): void => this.response?.drained()

  /** Whoever sends nothing more reads nothing more, as node:http sees it; half a request is answered as it does. */
  private readonly onEnd = (): void => {
    const { response, socket } = this
    if (this.bytes && !response) socket.end(badRequest)
    // Of a response that is not complete nothing more is written: what waits of it must not hold the connection.
    else if (response && !response.writableEnded) socket.destroy()
    else socket.end()
  }

  private readonly onClose = (): void => {
    this.hooks.onClosed(this)
    const { response } = this
    this.response = undefined
    response?.closed(false)
  }
}

const nothing = Buffer.alloc(0)
const badRequest = 'HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n'
const ignore = (): void => undefined

/** mayBecomePlain tells that a head may be plain once it is complete: it begins as POST, GET or DELETE do, and its first line ends with CRLF. */
const mayBecomePlain = (bytes: Buffer): boolean => {
  const [first] = bytes
  const feed = bytes.indexOf(0x0a)
  return (
    (first === 0x50 || first === 0x47 || first === 0x44) && (feed < 0 || bytes[feed - 1] === 0x0d)
  )
}
