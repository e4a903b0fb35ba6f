import { RouterError } from '@mcp-router/core'
import type { Incoming } from './incoming.js'

/** Underway counts the requests that are not answered yet. */
export interface Underway {
  /** Throws OVERLOADED where there are too many: whoever comes in such a crowd is better served elsewhere, or later. */
  add(incoming: Incoming): void
  size(): number
  /** Whether there are calls among them, streams aside. */
  hasCalls(): boolean
  /** How many there were so far. */
  begun(): number
  /** Resolves once no call is left, streams aside, or after `limitMs`. */
  callsEnded(limitMs: number): Promise<void>
}

/** Far above what an Instance can answer in time; those that wait for another Instance (Handoff) count as well. */
const mostCalls = 20_000
/** What it can hold in memory, some 10 KiB each. */
const mostStreams = 50_000

interface Limits {
  readonly calls: number
  readonly streams: number
}

export const createUnderway = (
  limits: Limits = { calls: mostCalls, streams: mostStreams },
): Underway => {
  let calls = 0
  let streams = 0
  let begun = 0
  let onLess = (): void => undefined
  const callEnded = (): void => {
    calls--
    onLess()
  }
  const streamEnded = (): void => {
    streams--
  }

  return {
    add(incoming) {
      const isStreaming = incoming.req.method === 'GET'
      if (isStreaming && streams >= limits.streams) {
        throw new RouterError('OVERLOADED', { what: 'open streams', limit: limits.streams })
      }
      if (!isStreaming && calls >= limits.calls) {
        throw new RouterError('OVERLOADED', { what: 'calls under way', limit: limits.calls })
      }
      begun++
      if (isStreaming) {
        streams++
        incoming.whenClosed(streamEnded)
        return
      }
      calls++
      let isStream = false
      incoming.onBecomesStream = () => {
        isStream = true
        streams++
        callEnded()
      }
      incoming.whenClosed(() => (isStream ? streamEnded() : callEnded()))
    },
    size: () => calls + streams,
    hasCalls: () => calls > 0,
    begun: () => begun,
    async callsEnded(limitMs) {
      if (calls === 0) return
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, limitMs)
        onLess = () => {
          if (calls > 0) return
          clearTimeout(timer)
          resolve()
        }
      })
    },
  }
}
