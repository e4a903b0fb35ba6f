import type { SessionEntry, Return } from '../sessions/entry.js'

/**
 * A client opens a broken stream again after at most 3 s; where Nginx passes that to an Instance which is paused, it waits there until the
 * lease of that one has lapsed, after 15 s. ms
 */
const tickMs = 500
const patienceMs = 20_000

/** awaitReturn waits until the client of a Session has a Stream here, `limitMs` at most. */
export const awaitReturn = (held: SessionEntry, limitMs = patienceMs): 'here' | Promise<Return> => {
  if (held.streams > 0) return 'here'
  return new Promise((resolve) => {
    const all = (held.returning ??= new Set())
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
export const emitReturn = (held: SessionEntry, came: Return = 'here'): void => {
  for (const settle of held.returning ?? []) settle(came)
  held.returning = undefined
}
