/** Turns are who waits for what, first come, first served. */
export interface Turns {
  /** True: it is this one's turn; false: its time is up. */
  wait(key: string, limitMs: number): Promise<boolean>
  /** Something became free: whoever waits longest tries again. */
  next(key: string): void
}

export const createTurns = (): Turns => {
  const waiting = new Map<string, Set<(isTurn: boolean) => void>>()
  return {
    wait: (key, limitMs) =>
      new Promise((resolve) => {
        const all = waiting.get(key) ?? new Set<(isTurn: boolean) => void>()
        waiting.set(key, all)
        const settle = (isTurn: boolean): void => {
          clearTimeout(tooLong)
          all.delete(settle)
          if (all.size === 0 && waiting.get(key) === all) waiting.delete(key)
          resolve(isTurn)
        }
        const tooLong = setTimeout(() => settle(false), Math.max(0, limitMs))
        all.add(settle)
      }),
    next(key) {
      const [first] = waiting.get(key) ?? []
      first?.(true)
    },
  }
}
