import { getHeapStatistics, setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

interface Deps {
  /** A figure that changes with every request. */
  readonly activity: () => number
}

/** Trim gives memory back in quiet times. */
export interface Trim {
  close(): void
}

const checkMs = 5_000
/** What grew by less is not worth a collection, bytes. */
const worthBytes = 8 * 2 ** 20
/** A collection stops the process for about 1 ms per MiB in use: above this it would be felt by the next call, bytes. */
const limitBytes = 256 * 2 ** 20

/**
 * startTrim runs a full collection when the process has grown and no call came for a while. V8 does so by itself only sooner or later, and
 * an instance that holds thousands of idle streams, or did, would keep what opening them took. What counts is what the system has given, not
 * what is in use: most of it are pages of the heap that stand empty, which a full collection gives back.
 */
export const startTrim = ({ activity }: Deps): Trim => {
  const collect = collector()
  let seen = activity()
  let heldAfter = held()
  const timer = setInterval(() => {
    const now = activity()
    const quiet = now === seen
    seen = now
    if (!quiet || held() - heldAfter < worthBytes || used() > limitBytes) return
    collect()
    heldAfter = held()
  }, checkMs)
  timer.unref()
  return { close: () => clearInterval(timer) }
}

const held = (): number => process.memoryUsage.rss()

const used = (): number => getHeapStatistics().used_heap_size

/** Node offers the collector only behind a flag, to contexts that are made while it is set. */
const collector = (): (() => void) => {
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void // the function that the flag adds
  setFlagsFromString('--no-expose-gc')
  return collect
}
