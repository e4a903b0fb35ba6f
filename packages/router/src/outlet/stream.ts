import { keepAliveFrame, messageFrame } from '@mcp-router/protocol'
import type { Incoming } from '../http/incoming.js'
import { hasStalled } from '../http/keep-alive.js'
import type { KeepAlive, KeptStream } from '../http/keep-alive.js'
import type { EdgeResponse } from '../http/edge.js'

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

/** A client that leaves so many bytes unread gets no more: its connection is cut, and it may resume. */
const maxWaitingBytes = 8 * 1024 * 1024

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
  res: EdgeResponse,
  keep: KeepAlive,
  onClose: () => void,
  headers: readonly string[] = [],
): Stream => {
  sendHead(res, headers)
  const stream = new OpenStream(res)
  keep.streams.add(stream)
  res.on('close', () => {
    stream.closed = true
    keep.streams.delete(stream)
    onClose()
  })
  return stream
}

/** beginStream sends the head of an SSE response before it is known what it carries. */
export const beginStream = (incoming: Incoming): void => {
  incoming.streaming = true
  sendHead(incoming.res, [])
}

const sendHead = (res: EdgeResponse, headers: readonly string[]): void => {
  if (res.headersSent) return
  res.writeHead(200, [...streamHeaders, ...headers])
  res.flushHeaders()
}

/** Of these there are as many as idle clients: a class, whose functions all of them share. */
class OpenStream implements Stream, KeptStream {
  quietTicks = 0
  closed = false
  stalledPeriods = 0
  private readonly res: EdgeResponse

  constructor(res: EdgeResponse) {
    this.res = res
  }

  message(bytes: Buffer): void {
    this.frame(messageFrame(bytes))
  }

  frame(frame: Buffer): void {
    if (!this.isOpen()) return
    this.quietTicks = 0
    // One message may be longer than that, for a client that reads.
    if (this.res.writableLength > maxWaitingBytes) this.res.destroy()
    else this.res.write(frame)
  }

  keepAlive(): void {
    if (hasStalled(this, this.res)) this.res.destroy()
    else this.res.write(keepAliveFrame)
  }

  end(): void {
    if (!this.res.writableEnded) this.res.end()
  }

  isOpen(): boolean {
    return !this.closed && !this.res.writableEnded
  }
}
