import type { HeldSession } from './held.js'

/** A client opens a broken stream again after at most 3 s, unless it was told to wait for less; a Takeover comes on top, ms. */
const patienceMs = 5_000

const waiting = new WeakMap<HeldSession, Set<() => void>>()

/** awaitReturn waits until the client of a Session has a Stream here; false: it did not come. */
export const awaitReturn = (held: HeldSession): true | Promise<boolean> => {
  if (held.streams > 0) return true
  return new Promise((resolve) => {
    const all = waiting.get(held) ?? new Set()
    waiting.set(held, all)
    const onReturn = (): void => {
      clearTimeout(tooLong)
      resolve(true)
    }
    const tooLong = setTimeout(() => {
      all.delete(onReturn)
      resolve(false)
    }, patienceMs)
    tooLong.unref()
    all.add(onReturn)
  })
}

/** tellReturn says that it has one. */
export const tellReturn = (held: HeldSession): void => {
  for (const onReturn of waiting.get(held) ?? []) onReturn()
  waiting.delete(held)
}
