import type { Link } from '@mcp-router/core'
import type { Deadlines, Timed } from '../calls/deadlines.js'

/** Aged is what lets go of something with time. */
export interface Aged {
  /** `now` as `performance.now()` counts; false: nothing is left that could age. */
  age(now: number): boolean
}

/** Ageing looks through all that ages now and then. */
export interface Ageing {
  /** Adding what is there already does nothing. */
  add(aged: Aged): void
  remove(aged: Aged): void
}

/** What is due to go goes within this, ms. */
const periodMs = 15_000

/** createAgeing makes the Ageing of an Instance: a single entry among its Deadlines, because they look through their entries far more often. */
export const createAgeing = (deadlines: Deadlines): Ageing => new SharedAgeing(deadlines)

class SharedAgeing implements Ageing, Timed {
  previous: Link | undefined
  next: Link | undefined
  dueAt = 0
  private readonly all = new Set<Aged>()
  private readonly deadlines: Deadlines
  private waiting = false

  constructor(deadlines: Deadlines) {
    this.deadlines = deadlines
  }

  add(aged: Aged): void {
    this.all.add(aged)
    this.wait()
  }

  remove(aged: Aged): void {
    this.all.delete(aged)
  }

  onDue(): void {
    this.waiting = false
    const now = performance.now()
    for (const aged of this.all) if (!aged.age(now)) this.all.delete(aged)
    if (this.all.size > 0) this.wait()
  }

  private wait(): void {
    if (this.waiting) return
    this.waiting = true
    this.dueAt = performance.now() + periodMs
    this.deadlines.add(this)
  }
}
