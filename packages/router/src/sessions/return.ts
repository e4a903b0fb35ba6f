import type { HeldSession } from './held.js'

/**
 * A client opens a broken stream again after at most 3 s; where Nginx passes that to an Instance which is paused, it waits there until the
 * lease of that one has lapsed, after 15 s. ms
 */
const tickMs = 500
const patienceMs = 20_000

/** Return is what came of it: the client has a Stream here; it did not come; or the Session went to another Instance, and so does the client. */
export type Return = 'here' | 'elsewhere' | 'late'

const waiting = new WeakMap<HeldSession, Set<(came: Return) => void>>()

/** awaitReturn waits until the client of a Session has a Stream here, `limitMs` at most. */
export const awaitReturn = (held: HeldSession, limitMs = patienceMs): 'here' | Promise<Return> => {
  if (held.streams > 0) return 'here'
  return new Promise((resolve) => {
    const all = waiting.get(held) ?? new Set()
    waiting.set(held, all)
    const settle = (came: Return): void => {
      clearInterval(ticking)
      all.delete(settle)
      resolve(came)
    }
    // A process that stood still has not waited: when it goes on, the client may be at its door.
    let ticks = 0
    const ticking = setInterval(() => {
      if (++ticks * tickMs >= limitMs) settle('late')
    }, tickMs)
    ticking.unref()
    all.add(settle)
  })
}

/** tellReturn says that it has one, or that nobody need wait for it here. */
export const tellReturn = (held: HeldSession, came: Return = 'here'): void => {
  for (const settle of waiting.get(held) ?? []) settle(came)
  waiting.delete(held)
}
