import { connect } from 'node:net'
import type { Socket } from 'node:net'
import type { HttpController, HttpHandler } from '../client.js'
import { createResponseParser } from './parser.js'
import type { ResponseParser } from './parser.js'

/** ConnectionHooks tell the pool what became of a Connection. */
export interface ConnectionHooks {
  /** It can take another request. */
  onFree(connection: Connection): void
  onClosed(connection: Connection): void
}

/** ConnectTimeout: no connection within the time allowed; nothing was sent. */
export class ConnectTimeout extends Error {
  readonly code = 'UND_ERR_CONNECT_TIMEOUT'
}

/**
 * Every connection reads into this one buffer: the bytes are parsed before the next read, and parts that live longer are copied. A
 * buffer per read, as streams have them, costs more than everything else that a read does.
 */
const readBuffer = Buffer.allocUnsafeSlow(64 * 1024)

/** Up to this size head and body leave as one buffer, in one write. */
const oneWriteBytes = 16 * 1024

/** Connection carries one request at a time to one origin over plain HTTP/1.1; it is its request's controller. */
export class Connection implements HttpController {
  /** ms since the epoch, when it last became free */
  freeSince = 0
  paused = false
  aborted = false
  reason: Error | null = null
  private readonly socket: Socket
  private readonly parser: ResponseParser
  private readonly hooks: ConnectionHooks
  private handler: HttpHandler | undefined
  private headSeen = false
  private failure: Error | undefined

  constructor(host: string, port: number, connectTimeoutMs: number, hooks: ConnectionHooks) {
    this.hooks = hooks
    this.socket = connect({
      host,
      port,
      noDelay: true,
      keepAlive: true,
      keepAliveInitialDelay: 30_000,
      onread: {
        buffer: readBuffer,
        callback: (size) => {
          this.onData(readBuffer.subarray(0, size))
          return !this.paused
        },
      },
    })
    const tooLong = setTimeout(() => {
      this.socket.destroy(new ConnectTimeout(`no connection to ${host}:${port}`))
    }, connectTimeoutMs)
    this.parser = createResponseParser({
      onHead: (status, headers) => {
        this.headSeen = true
        this.handler?.onResponseStart?.(this, status, headers)
      },
      onBody: (chunk) => this.handler?.onResponseData?.(this, Buffer.from(chunk)),
      onEnd: (reusable) => this.onEnd(reusable),
    })
    this.socket.on('connect', () => clearTimeout(tooLong))
    this.socket.on('error', (error) => {
      this.failure ??= error
    })
    this.socket.on('close', () => {
      clearTimeout(tooLong)
      this.onClose()
    })
  }

  /** send starts a request; `head` ends before its Content-Length. */
  send(head: string, body: Buffer | undefined, handler: HttpHandler): void {
    this.handler = handler
    this.headSeen = false
    handler.onRequestStart?.(this, undefined)
    if (this.aborted) return
    if (!body) {
      this.socket.write(`${head}\r\n`, 'latin1')
      return
    }
    const whole = `${head}content-length: ${body.length}\r\n\r\n`
    if (body.length <= oneWriteBytes) {
      const bytes = Buffer.allocUnsafe(whole.length + body.length)
      bytes.write(whole, 'latin1')
      body.copy(bytes, whole.length)
      this.socket.write(bytes)
      return
    }
    this.socket.cork()
    this.socket.write(whole, 'latin1')
    this.socket.write(body)
    this.socket.uncork()
  }

  /** isUsable is false once the other side has ended it, which may be known before it is closed. */
  isUsable(): boolean {
    return this.socket.writable && !this.socket.readableEnded
  }

  isBusy(): boolean {
    return this.handler !== undefined
  }

  abort(reason: Error): void {
    if (this.aborted) return
    this.aborted = true
    this.reason = reason
    this.failure = reason
    this.socket.destroy()
  }

  pause(): void {
    this.paused = true
    this.socket.pause()
  }

  resume(): void {
    this.paused = false
    this.socket.resume()
  }

  /** close ends it at once; a request under way fails. */
  close(): void {
    this.socket.destroy()
  }

  private onData(chunk: Buffer): void {
    // Bytes that nobody asked for: whatever it is, it is not an answer of ours.
    if (!this.handler) {
      this.socket.destroy()
      return
    }
    try {
      this.parser.feed(chunk)
    } catch (thrown) {
      this.failure ??= thrown instanceof Error ? thrown : new Error(String(thrown))
      this.socket.destroy()
    }
  }

  private onEnd(reusable: boolean): void {
    const { handler } = this
    this.handler = undefined
    // Whoever paused it may be gone before the rest could be written: the next request must not wait for that.
    if (this.paused) this.resume()
    if (reusable && !this.aborted) this.hooks.onFree(this)
    else this.socket.destroy()
    handler?.onResponseEnd?.(this, {})
  }

  private onClose(): void {
    this.hooks.onClosed(this)
    if (!this.handler) return
    if (!this.failure && this.headSeen && this.parser.finish()) return
    const { handler } = this
    this.handler = undefined
    handler.onResponseError?.(this, this.failure ?? closedEarly())
  }
}

const closedEarly = (): Error =>
  Object.assign(new Error('the endpoint closed the connection'), { code: 'ECONNRESET' })
