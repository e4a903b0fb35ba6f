import { Chain } from '@mcp-router/core'
import type { Link } from '@mcp-router/core'

/** Timed is what must be over by a certain time. */
export interface Timed extends Link {
  /** ms, as `performance.now()` counts */
  readonly dueAt: number
  onDue(): void
}

/** Deadlines end what takes too long: one timer for all calls, because a timer for each costs more than looking through them. */
export interface Deadlines {
  add(timed: Timed): void
  remove(timed: Timed): void
  close(): void
}

/** A deadline is kept to within this, ms. */
const tickMs = 50

export const createDeadlines = (): Deadlines => {
  const all = new Chain<Timed>()
  const timer = setInterval(() => {
    const now = performance.now()
    for (const timed of all) {
      if (timed.dueAt > now) continue
      all.remove(timed)
      timed.onDue()
    }
  }, tickMs)
  timer.unref()
  return {
    add: (timed) => all.add(timed),
    remove: (timed) => all.remove(timed),
    close: () => clearInterval(timer),
  }
}
