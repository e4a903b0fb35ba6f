import type { Incoming } from './incoming.js'

/** Underway are the requests that are not answered yet. */
export interface Underway {
  add(incoming: Incoming): void
  size(): number
  /** Resolves once no call is left, streams aside, or after `limitMs`. */
  callsEnded(limitMs: number): Promise<void>
}

export const createUnderway = (): Underway => {
  const all = new Set<Incoming>()
  let onLess = (): void => undefined
  const calls = (): number => [...all].filter(({ req }) => req.method !== 'GET').length

  return {
    add(incoming) {
      all.add(incoming)
      incoming.whenClosed(() => {
        all.delete(incoming)
        onLess()
      })
    },
    size: () => all.size,
    async callsEnded(limitMs) {
      if (calls() === 0) return
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, limitMs)
        onLess = () => {
          if (calls() > 0) return
          clearTimeout(timer)
          resolve()
        }
      })
    },
  }
}
