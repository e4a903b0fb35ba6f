/** Timed is what must be over by a certain time. */
export interface Timed {
  /** ms, as `performance.now()` counts */
  readonly dueAt: number
  onDue(): void
}

/** Deadlines end what takes too long: one timer for all calls, because a timer for each costs more than looking through them. */
export interface Deadlines {
  add(timed: Timed): void
  delete(timed: Timed): void
  close(): void
}

/** A deadline is kept to within this, ms. */
const tickMs = 50

export const createDeadlines = (): Deadlines => {
  const all = new Set<Timed>()
  const timer = setInterval(() => {
    const now = performance.now()
    for (const timed of all) {
      if (timed.dueAt > now) continue
      all.delete(timed)
      timed.onDue()
    }
  }, tickMs)
  timer.unref()
  return {
    add: (timed) => void all.add(timed),
    delete: (timed) => void all.delete(timed),
    close: () => clearInterval(timer),
  }
}
