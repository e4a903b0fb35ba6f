import { Chain } from '@mcp-router/core'
import type { Link } from '@mcp-router/core'

/** NoAnswer says that something took longer than it may. */
export class NoAnswer extends Error {
  constructor(ms: number) {
    super(`no answer within ${ms} ms`)
    this.name = 'NoAnswer'
  }
}

/** Within rejects with NoAnswer when `work` is not done in time. The work goes on: nothing recalls a command once sent. */
export type Within = <T>(work: Promise<T>) => Promise<T>

/** createWithin allows `ms` for each: one timer for all of them, as one each costs more than a command. */
export const createWithin = (ms: number): Within => {
  const waiting = new Chain<Waiting>()
  let timer: NodeJS.Timeout | undefined
  const arm = (forMs: number): void => {
    timer = setTimeout(check, forMs).unref()
  }
  const check = (): void => {
    timer = undefined
    const now = performance.now()
    let nextAt = Infinity
    for (const each of waiting) {
      if (each.dueAt > now) nextAt = Math.min(nextAt, each.dueAt)
      else {
        waiting.remove(each)
        each.reject(new NoAnswer(ms))
      }
    }
    if (nextAt < Infinity) arm(nextAt - now)
  }
  return (work) =>
    new Promise((resolve, reject) => {
      const one = new Waiting(performance.now() + ms, reject)
      waiting.add(one)
      if (!timer) arm(ms)
      work.then(
        (value) => {
          waiting.remove(one)
          resolve(value)
        },
        (error: unknown) => {
          waiting.remove(one)
          one.reject(error)
        },
      )
    })
}

class Waiting implements Link {
  previous: Link | undefined
  next: Link | undefined
  readonly dueAt: number
  readonly reject: (error: unknown) => void

  constructor(dueAt: number, reject: (error: unknown) => void) {
    this.dueAt = dueAt
    this.reject = reject
  }
}
