/** Random is a seeded source of chance: the same seed gives the same run, so that what fails can be looked at. */
export interface Random {
  /** A whole number from 0 to `below - 1`. */
  below(limit: number): number
  pick<T>(from: readonly T[]): T
  chance(probability: number): boolean
}

/** createRandom is mulberry32: small, and good enough to vary inputs. */
export const createRandom = (seed: number): Random => {
  let state = seed >>> 0
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
  const below = (limit: number): number => Math.floor(next() * limit)
  return {
    below,
    chance: (probability) => next() < probability,
    pick<T>(from: readonly T[]): T {
      return from[below(from.length)] as T // `from` is never empty in these tests
    },
  }
}
