import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void // what the flag has just put there

const inUse = (): number => {
  collect()
  const { heapUsed, external } = process.memoryUsage()
  return heapUsed + external
}

/** heldBytes is how much memory what `make` returns keeps in use. */
export const heldBytes = async (make: () => unknown): Promise<number> => {
  const before = inUse()
  const kept = await make()
  const after = inUse()
  // Named once more, or it may be collected already.
  return kept === undefined ? 0 : after - before
}
