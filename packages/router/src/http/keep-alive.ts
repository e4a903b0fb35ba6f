import type { EdgeResponse } from './edge.js'

/** KeptStream is an open SSE response that is kept alive: `quietTicks` goes back to 0 with everything it writes. */
export interface KeptStream {
  quietTicks: number
  /** Writes a comment, unless in the middle of an event. */
  keepAlive(): void
  /** Ends the response cleanly. */
  end(): void
}

/** So many periods in a row a client may take nothing of what waits for it. */
const maxStalledPeriods = 2

/** hasStalled is asked once a period; true: the client has not read for so long that its connection is to be cut. */
export const hasStalled = (stream: { stalledPeriods: number }, res: EdgeResponse): boolean => {
  stream.stalledPeriods = res.writableNeedDrain ? stream.stalledPeriods + 1 : 0
  return stream.stalledPeriods > maxStalledPeriods
}

/** KeepAlive writes a comment on each stream that was quiet for long: one timer for all of them. */
export interface KeepAlive {
  readonly streams: Set<KeptStream>
  /** A connection may be silent for so long, ms. */
  readonly periodMs: number
  close(): void
}

const ticksPerPeriod = 5

/** createKeepAlive comments after `periodMs` of silence, a fifth earlier at most. */
export const createKeepAlive = (periodMs: number): KeepAlive => {
  const streams = new Set<KeptStream>()
  const timer = setInterval(() => {
    for (const stream of streams) {
      stream.quietTicks++
      if (stream.quietTicks < ticksPerPeriod) continue
      stream.quietTicks = 0
      stream.keepAlive()
    }
  }, periodMs / ticksPerPeriod)
  timer.unref()
  return { streams, periodMs, close: () => clearInterval(timer) }
}
