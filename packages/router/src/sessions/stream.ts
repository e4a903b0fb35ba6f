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

/** openStream sends the head at once. `onClose` comes once, when either side has ended it. */
export const openStream = (
  res: ServerResponse,
  keep: KeepAlive,
  onClose: () => void,
  headers: readonly string[] = [],
): Stream => {
  res.writeHead(200, [...streamHeaders, ...headers])
  res.flushHeaders()
  const kept: KeptStream = {
    quietTicks: 0,
    keepAlive: () => void res.write(keepAliveFrame),
    end() {
      if (!res.writableEnded) res.end()
    },
  }
  keep.streams.add(kept)
  let open = true
  res.on('close', () => {
    open = false
    keep.streams.delete(kept)
    onClose()
  })
  const frame = (bytes: Buffer): void => {
    if (!open || res.writableEnded) return
    kept.quietTicks = 0
    res.write(bytes)
    if (res.writableLength > maxWaitingBytes) res.destroy()
  }
  return {
    frame,
    message: (bytes) => frame(messageFrame(bytes)),
    end: () => kept.end(),
    isOpen: () => open && !res.writableEnded,
  }
}
