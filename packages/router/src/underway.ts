import type { Incoming } from './incoming.js'

/** Underway counts the requests that are not answered yet. */
export interface Underway {
  add(incoming: Incoming): void
  size(): number
  /** How many there were so far. */
  begun(): number
  /** Resolves once no call is left, streams aside, or after `limitMs`. */
  callsEnded(limitMs: number): Promise<void>
}

export const createUnderway = (): Underway => {
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
      begun++
      if (incoming.req.method === 'GET') {
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
