import type { Deadlines } from '../calls/deadlines.js'
import { createAgeing } from './ageing.js'
import type { Ageing } from './ageing.js'

/** Keeping is a stream that keeps events. */
export interface Keeping {
  /** How many bytes it keeps. */
  bytes(): number
  /** Lets go of all but the newest event: it may be the answer that its client waits for. */
  shrink(): void
  /** Lets go of everything, for good. */
  drop(): void
}

/** Kept bounds what all streams of an Instance keep: where it is too much, the streams that ended first go first. */
export interface Kept {
  /** Told whenever a stream has come to keep more, or less, by so many bytes. */
  count(stream: Keeping, change: number): void
  /** Nothing more comes on it. `onDropped`: it is kept no more. */
  end(stream: Keeping, onDropped: () => void): void
  bytes(): number
}

/** Buffers are what the event buffers of an Instance share: when they let go of events, and how many bytes they may keep. */
export interface Buffers {
  readonly ageing: Ageing
  readonly kept: Kept
}

export const createBuffers = (deadlines: Deadlines, maxReplayBytes: number): Buffers => ({
  ageing: createAgeing(deadlines),
  kept: createKept(maxReplayBytes),
})

export const createKept = (limit: number): Kept => {
  let bytes = 0
  /** In the order in which they ended. */
  const ended = new Map<Keeping, () => void>()
  /** In the order in which they began to keep something. */
  const open = new Set<Keeping>()

  /** False: there is none left that could. */
  const dropOldest = (current: Keeping): boolean => {
    for (const [stream, onDropped] of ended) {
      if (stream === current) continue
      onDropped()
      stream.drop()
      return true
    }
    for (const stream of open) {
      open.delete(stream)
      stream.shrink()
      return true
    }
    return false
  }

  return {
    count(stream, change) {
      bytes += change
      if (stream.bytes() === 0) {
        ended.delete(stream)
        open.delete(stream)
      } else if (change > 0) {
        if (!ended.has(stream)) open.add(stream)
        while (bytes > limit && dropOldest(stream));
      }
    },
    end(stream, onDropped) {
      open.delete(stream)
      if (stream.bytes() > 0) ended.set(stream, onDropped)
    },
    bytes: () => bytes,
  }
}
