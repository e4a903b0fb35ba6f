import type { ServerResponse } from 'node:http'
import { keepAliveFrame, messageFrame } from '@mcp-router/protocol'
import type { KeepAlive, KeptStream } from '../keep-alive.js'

/** Stream is one open SSE response to a client. */
export interface Stream {
  /** Writes one JSON-RPC message, which must be on one line. */
  message(bytes: Buffer): void
  /** Writes a whole frame. */
  frame(frame: Buffer): void
  /** Ends the response cleanly. Idempotent; `onClose` follows. */
  end(): void
  isOpen(): boolean
}

/** A client that does not read for so long that this many bytes wait is cut off. */
const maxWaitingBytes = 64 * 1024 * 1024

/** streamHeaders are those of every SSE response: nothing in between may store or buffer it. */
export const streamHeaders = [
  'content-type',
  'text/event-stream',
  'cache-control',
  'no-cache, no-transform',
  'x-accel-buffering',
  'no',
]

/** openStream sends the head at once, unless another Instance's did before it went away. `onClose` comes once, when either side has ended it. */
export const openStream = (
  res: ServerResponse,
  keep: KeepAlive,
  onClose: () => void,
  headers: readonly string[] = [],
): Stream => {
  if (!res.headersSent) {
    res.writeHead(200, [...streamHeaders, ...headers])
    res.flushHeaders()
  }
  const stream = new OpenStream(res)
  keep.streams.add(stream)
  res.on('close', () => {
    stream.closed = true
    keep.streams.delete(stream)
    onClose()
  })
  return stream
}

/** Of these there are as many as idle clients: a class, whose functions all of them share. */
class OpenStream implements Stream, KeptStream {
  quietTicks = 0
  closed = false
  private readonly res: ServerResponse

  constructor(res: ServerResponse) {
    this.res = res
  }

  message(bytes: Buffer): void {
    this.frame(messageFrame(bytes))
  }

  frame(frame: Buffer): void {
    if (!this.isOpen()) return
    this.quietTicks = 0
    this.res.write(frame)
    if (this.res.writableLength > maxWaitingBytes) this.res.destroy()
  }

  keepAlive(): void {
    this.res.write(keepAliveFrame)
  }

  end(): void {
    if (!this.res.writableEnded) this.res.end()
  }

  isOpen(): boolean {
    return !this.closed && !this.res.writableEnded
  }
}
