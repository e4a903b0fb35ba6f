/** Less is no step but the clock being set right, ms. */
const leastMs = 30_000

/**
 * createClockStep makes a function that tells by how much the clock of the system was set forward
 * since it was last asked, ms, also while the machine slept: what lives by that clock, such as
 * records in a store on this machine, has aged by it in no time. 0: it was not.
 */
export const createClockStep = (): (() => number) => {
  let offset = Date.now() - performance.now()
  return () => {
    const before = offset
    offset = Date.now() - performance.now()
    return offset - before < leastMs ? 0 : offset - before
  }
}
