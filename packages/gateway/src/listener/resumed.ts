import { IncomingMessage } from 'node:http'
import type { Server } from 'node:http'
import type { Socket } from 'node:net'

/** A process that was stopped, or starved, for so much longer than a beat has not read what waits to be read, ms. */
const slackMs = 1_000
/** How often it is looked whether time went by, ms. */
const beatMs = 500

/** Limits are those of node:http, ms. */
interface Limits {
  readonly requestHeadMs: number
  /** How often it looks. */
  readonly checkMs: number
}

/**
 * spareWaiting keeps a server that was stopped, or starved, from refusing requests for being late (408) that came meanwhile and wait to be
 * read: node:http counts from when a connection was accepted. A client that is answered 408 gives its stream up for good. What is spared has
 * the time for a head once more. It returns what ends it.
 */
export const spareWaiting = (server: Server, { requestHeadMs, checkMs }: Limits): (() => void) => {
  let beatAt = performance.now()
  let resumedAt = -Infinity
  const spared = new Map<Socket, NodeJS.Timeout>()
  const isLate = (now: number): boolean => now - beatAt > beatMs + slackMs
  const beat = setInterval(() => {
    const now = performance.now()
    if (isLate(now)) resumedAt = now
    beatAt = now
  }, beatMs)
  beat.unref()
  // Which of the two timers comes first after a stop is open.
  const wasStopped = (): boolean => {
    const now = performance.now()
    return isLate(now) || now - resumedAt < checkMs
  }
  const release = (socket: Socket): void => {
    clearTimeout(spared.get(socket))
    spared.delete(socket)
  }
  const spare = (socket: Socket): void => {
    // node:http looks at it no more.
    spared.set(socket, setTimeout(() => socket.destroy(), requestHeadMs).unref())
    socket.once('close', () => release(socket))
  }
  const emit = server.emit.bind(server) as (...event: readonly unknown[]) => boolean
  // A listener of `clientError` would have to answer all that node:http answers by itself.
  server.emit = (name: unknown, first?: unknown, second?: unknown, third?: unknown): boolean => {
    if (name === 'clientError' && isTimeout(first) && wasStopped()) {
      spare(second as Socket) // what node:http gives with it
      return true
    }
    if (spared.size > 0 && first instanceof IncomingMessage) release(first.socket)
    return emit(name, first, second, third)
  }
  return () => {
    clearInterval(beat)
    for (const socket of spared.keys()) release(socket)
  }
}

const isTimeout = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && error.code === 'ERR_HTTP_REQUEST_TIMEOUT'
