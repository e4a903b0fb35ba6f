import { asError } from '@mcp-router/core'
import { connect } from 'node:net'
import type { Socket } from 'node:net'
import { ChunkCollector } from '@mcp-router/protocol'
import type { HttpController, HttpHandler, HttpRequest } from '../handler.js'
import type { Intake } from '../intake.js'
import type { Head } from './head.js'
import { createResponseParser } from './parser.js'
import type { ResponseListener, ResponseParser } from './parser.js'

/** ConnectionHooks tell the pool what became of a Connection. */
export interface ConnectionHooks {
  /** It can take another request. */
  onFree(connection: Connection): void
  onClosed(connection: Connection): void
  /** It broke, or could not be opened. */
  onError(error: Error): void
}

/** Destination is where a Connection leads. */
export interface Destination {
  readonly host: string
  readonly port: number
  readonly connectTimeoutMs: number
  /** Reads the head of an answer; what is not HTTP throws. */
  readonly readHead: (text: string) => Head
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

/** After a read of so many chunks others have their turn: the event loop reads 32 times before it sees to anything else. */
const manyChunks = 1_024

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
  /** What takes the answer of the request under way. */
  private readonly intake: Intake
  /** What one read brought of a body: its server may have cut that into thousands of chunks. */
  private readonly body = new ChunkCollector()
  private chunks = 0
  private busy = false
  private headSeen = false
  private failure: Error | undefined

  constructor(to: Destination, intake: Intake, hooks: ConnectionHooks) {
    const { host, port, connectTimeoutMs, readHead } = to
    this.intake = intake
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
          return !this.paused && !this.yields()
        },
      },
    })
    const tooLong = setTimeout(() => {
      this.socket.destroy(new ConnectTimeout(`no connection to ${host}:${port}`))
    }, connectTimeoutMs)
    const listener: ResponseListener = {
      onHead: (status, headers) => {
        this.headSeen = true
        this.intake.onResponseStart(this, status, headers)
      },
      onBody: (chunk) => {
        this.chunks++
        this.body.push(chunk)
      },
      onEnd: (reusable) => this.onEnd(reusable),
    }
    this.parser = createResponseParser(listener, readHead)
    this.socket.on('connect', () => clearTimeout(tooLong))
    this.socket.on('error', (error) => {
      this.failure ??= error
      hooks.onError(error)
    })
    this.socket.on('close', () => {
      clearTimeout(tooLong)
      this.onClose()
    })
  }

  /** send starts the request that the Intake has begun; `head` ends before its Content-Length. */
  send(head: string, body: Buffer | undefined): void {
    this.busy = true
    this.headSeen = false
    this.intake.onRequestStart(this)
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

  /** begin hands the Intake the request that `send` is about to start. */
  begin(path: string, request: HttpRequest, handler: HttpHandler, hops: number): void {
    this.intake.begin(path, request, handler, hops)
  }

  tick(): void {
    if (this.busy) this.intake.tick()
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
    if (!this.busy) {
      this.socket.destroy()
      return
    }
    try {
      this.feed(chunk)
    } catch (thrown) {
      this.failure ??= asError(thrown)
      this.socket.destroy()
    }
  }

  /** yields tells that no more is read before the next turn of the event loop. */
  private yields(): boolean {
    const isMuch = this.chunks > manyChunks
    this.chunks = 0
    if (isMuch) setImmediate(() => !this.paused && this.socket.resume())
    return isMuch
  }

  /** What came before a fault is handed on too. */
  private feed(chunk: Buffer): void {
    try {
      this.parser.feed(chunk)
    } finally {
      this.handOnBody()
    }
  }

  private handOnBody(): void {
    if (this.body.bytes === 0) return
    const bytes = this.body.take()
    const isLent = bytes.buffer === readBuffer.buffer
    this.intake.onResponseData(this, isLent ? Buffer.from(bytes) : bytes)
  }

  private onEnd(reusable: boolean): void {
    this.handOnBody()
    this.busy = false
    // The client that paused it may be gone before the rest could be written: the next request must not wait for that.
    if (this.paused) this.resume()
    if (reusable && !this.aborted) this.hooks.onFree(this)
    else this.socket.destroy()
    this.intake.onResponseEnd(this)
  }

  private onClose(): void {
    this.hooks.onClosed(this)
    if (!this.busy) return
    if (!this.failure && this.headSeen && this.finish()) return
    this.busy = false
    this.intake.onResponseError(this, this.failure ?? closedEarly())
  }

  private finish(): boolean {
    try {
      return this.parser.finish()
    } catch (thrown) {
      this.failure = asError(thrown)
      return false
    }
  }
}

const closedEarly = (): Error =>
  Object.assign(new Error('the endpoint closed the connection'), { code: 'ECONNRESET' })
