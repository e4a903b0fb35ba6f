import { setTimeout as wait } from 'node:timers/promises'

const pollMs = 20

/**
 * until asks again and again until the answer is neither false nor undefined, and resolves with it. It rejects, naming `what` it waited
 * for, once `limitMs` have passed. A check that throws counts as "not yet".
 */
export const until = async <T>(
  what: string,
  check: () => Promise<T> | T,
  limitMs = 10_000,
): Promise<Exclude<T, false | undefined>> => {
  const end = Date.now() + limitMs
  let last: unknown
  for (;;) {
    try {
      const answer = await check()
      // Excluded on the line above the cast: neither false nor undefined.
      if (answer !== false && answer !== undefined) return answer as Exclude<T, false | undefined>
      last = undefined
    } catch (error) {
      last = error
    }
    if (Date.now() > end) throw new Error(`waited ${limitMs} ms for ${what}`, { cause: last })
    await wait(pollMs)
  }
}
